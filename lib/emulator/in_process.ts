/** The emulator behind the `fetch` interface: without a socket, and loaded on first use. */

import type { Clock } from "../base/clock.ts";
import type { Fetch } from "../runtime/runtime.ts";
import type { Emulator } from "./emulator.ts";

/** Answers every URL from the built-in Bedrock; an aborted signal rejects as with a real fetch. */
export function emulatorFetch(clock: Clock): Fetch {
  let loading: Promise<Emulator> | undefined;
  return async (url, init) => {
    const { signal } = init;
    loading ??= import("./emulator.ts").then(({ createEmulator }) => createEmulator({ clock }));
    const emulator = await loading;
    signal.throwIfAborted();
    const aborted = new Promise<never>((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
    return await Promise.race([emulator.handle(new Request(url, init)), aborted]);
  };
}
