/** systemd's side of its notification protocol: a Unix datagram socket. */

import { decodeUtf8 } from "../../lib/base/bytes.ts";
import { socketAddress } from "../../lib/runtime/system_calls.ts";

/** One message, such as `{READY: "1", STATUS: "…"}`. */
export type Notification = Readonly<Record<string, string>>;

export interface NotifySocket extends AsyncDisposable {
  /** For `NOTIFY_SOCKET`. */
  readonly name: string;
  /** Every message so far. */
  readonly received: readonly Notification[];
  /** The next message that matches, such as `{READY: /^1$/}`; others are skipped. Rejects if none comes. */
  next(wanted: Readonly<Record<string, RegExp>>): Promise<Notification>;
}

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const MAX_MESSAGE_BYTES = 4_096;
/** After this, an awaited message that does not come fails its test. */
const HANG_MS = 180_000;

const LIBC = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  recv: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize", nonblocking: true },
  shutdown: { parameters: ["i32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
} as const;

/** Listens on the path of a new folder, or on an abstract name. */
export async function listenForNotifications(kind: "path" | "abstract"): Promise<NotifySocket> {
  const folder = await Deno.makeTempDir({ prefix: "adit-notify-" });
  const name = kind === "path" ? `${folder}/notify` : `@${folder}`;
  const library = Deno.dlopen("libc.so.6", LIBC);
  const libc = library.symbols;
  const descriptor = libc.socket(AF_UNIX, SOCK_DGRAM, 0);
  const address = socketAddress(name);
  if (libc.bind(descriptor, address, address.length) !== 0) throw new Error(`Cannot bind "${name}"`);

  const received: Notification[] = [];
  let taken = 0;
  let arrival = Promise.withResolvers<void>();
  let isOpen = true;
  const reading = (async () => {
    const buffer = new Uint8Array(MAX_MESSAGE_BYTES);
    while (isOpen) {
      const length = Number(await libc.recv(descriptor, buffer, BigInt(buffer.length), 0));
      if (length > 0) received.push(parse(decodeUtf8(buffer.subarray(0, length))));
      arrival.resolve();
      arrival = Promise.withResolvers<void>();
    }
  })();

  return {
    name,
    received,
    next: async (wanted) => {
      const hang = Promise.withResolvers<never>();
      const timer = setTimeout(
        () => hang.reject(new Error(`No ${Object.keys(wanted)} came: ${JSON.stringify(received)}`)),
        HANG_MS,
      );
      try {
        for (;;) {
          while (taken < received.length) {
            const message = received[taken++];
            if (message !== undefined && fits(message, wanted)) return message;
          }
          await Promise.race([arrival.promise, hang.promise]);
        }
      } finally {
        clearTimeout(timer);
      }
    },
    [Symbol.asyncDispose]: async () => {
      isOpen = false;
      libc.shutdown(descriptor, 2);
      await reading;
      libc.close(descriptor);
      library.close();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

function fits(message: Notification, wanted: Readonly<Record<string, RegExp>>): boolean {
  return Object.entries(wanted).every(([name, pattern]) => pattern.test(message[name] ?? ""));
}

function parse(message: string): Notification {
  return Object.fromEntries(
    message.trimEnd().split("\n").map((line) => {
      const equals = line.indexOf("=");
      return [line.slice(0, equals), line.slice(equals + 1)];
    }),
  );
}
