/** What becomes of a listener when the process may open no more files. */

import { equal } from "node:assert/strict";
import { repositoryPath } from "../repository.ts";

const FILES = 64;

Deno.test("deno: a listener that has run out of files accepts connections again once files are free", async () => {
  const script = repositoryPath("tests/runtime/few_files_server.ts");
  const command = ["-c", `ulimit -n ${FILES}; exec "$@"`, "sh", Deno.execPath(), "run", "-A", script];
  const child = new Deno.Command("/bin/sh", { args: command, stdout: "piped" }).spawn();
  try {
    const { value = "" } = await child.stdout.pipeThrough(new TextDecoderStream()).getReader().read();
    const port = Number(value);
    await untilRefused(port);
    equal(await firstAnswer(port), "ok");
  } finally {
    child.kill("SIGKILL");
    await child.status;
  }
});

/** Connects until the listener is gone, and lets go of all the connections. */
async function untilRefused(port: number): Promise<void> {
  const connections: Deno.Conn[] = [];
  try {
    for (;;) connections.push(await Deno.connect({ hostname: "127.0.0.1", port }));
  } catch {
    for (const connection of connections) connection.close();
  }
}

/** Asks until there is an answer. */
async function firstAnswer(port: number): Promise<string> {
  for (;;) {
    try {
      return await (await fetch(`http://127.0.0.1:${port}/`)).text();
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
  }
}
