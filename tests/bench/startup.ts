/** Time from the start of a process to its first response, and the size of its binary. */

import { KEY } from "../e2e/configs.ts";
import { builtAdit, freePort } from "../repository.ts";
import { Service } from "./processes.ts";
import { modelOf } from "./requests.ts";
import { median } from "./rounds.ts";
import { aditConfig, denoAdit } from "./subjects.ts";

export interface StartResult {
  readonly subject: string;
  /** From the start of the process to its first response from the upstream. */
  readonly firstAnswerMs: number;
  /** Size of the binary; undefined if there is none. */
  readonly binaryBytes?: number;
}

/** Starts Adit again and again on both runtimes. */
export async function measureStarts(upstream: string, rounds: number): Promise<readonly StartResult[]> {
  const binary = await builtAdit();
  const commands = { "Adit on Bun": [binary], "Adit on Deno": await denoAdit() };
  const results: StartResult[] = [];
  for (const [subject, command] of Object.entries(commands)) {
    const times: number[] = [];
    for (let round = 0; round < rounds; round++) times.push(await timeStart(command, upstream));
    const firstAnswerMs = median(times);
    if (command[0] === binary) {
      results.push({ subject, firstAnswerMs, binaryBytes: (await Deno.stat(binary)).size });
    } else {
      results.push({ subject, firstAnswerMs });
    }
  }
  return results;
}

async function timeStart(command: readonly string[], upstream: string): Promise<number> {
  const port = freePort();
  const config = await Deno.makeTempFile({ prefix: "adit-bench-", suffix: ".yaml" });
  await Deno.writeTextFile(config, aditConfig(upstream, `127.0.0.1:${port}`));
  const startedMs = performance.now();
  const service = new Service([...command, "serve", "--config", config], { place: "anywhere" });
  try {
    await firstAnswer(port);
    return performance.now() - startedMs;
  } finally {
    await service.stop();
    await Deno.remove(config);
  }
}

async function firstAnswer(port: number): Promise<void> {
  const body = JSON.stringify({ model: modelOf("even"), messages: [{ role: "user", content: "Hello" }] });
  const head = [
    "POST /v1/chat/completions HTTP/1.1",
    "host: localhost",
    `authorization: Bearer ${KEY}`,
    "content-type: application/json",
    `content-length: ${body.length}`,
  ];
  const request = new TextEncoder().encode(`${head.join("\r\n")}\r\n\r\n${body}`);
  for (;;) {
    try {
      using connection = await Deno.connect({ hostname: "127.0.0.1", port });
      await connection.write(request);
      const answer = new Uint8Array(64);
      await connection.read(answer);
      const text = new TextDecoder().decode(answer);
      if (!text.startsWith("HTTP/1.1 200")) throw new Error(`Cannot measure a start: the answer is ${text}`);
      return;
    } catch (error) {
      // Also reset: on Bun, Adit opens the port once to check it before it listens.
      if (!(error instanceof Deno.errors.ConnectionRefused || error instanceof Deno.errors.ConnectionReset)) {
        throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
}
