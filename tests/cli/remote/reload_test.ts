/** `adit reload` against a program that is not a gateway. */

import { deepEqual } from "node:assert/strict";
import { reload } from "../../../lib/cli/remote/reload.ts";
import { top } from "../../../lib/cli/remote/top.ts";
import { runWith } from "../run.ts";

/** Runs a command against a server that always answers with this. */
async function against(command: typeof reload, status: number, body: string) {
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    () => new Response(body, { status }),
  );
  try {
    const address = `127.0.0.1:${server.addr.port}`;
    const { code, out, err } = await runWith({}, command, "--admin", address, "--config", "/nowhere.yaml");
    return { code, out, err: err.replace(address, "HOST") };
  } finally {
    await server.shutdown();
  }
}

const ANSWERS: readonly (readonly [status: number, body: string])[] = [
  [200, "<html>"],
  [200, "{}"],
  [200, '{"status": "ok"}'],
  [422, "<html>"],
  [422, '{"problems": 3}'],
  [500, ""],
];

for (const [status, body] of ANSWERS) {
  Deno.test(`an answer of another program is an error: ${status} ${body}`, async () => {
    const err = `Unexpected answer with status ${status} from http://HOST: ` +
      "is it the admin address of a gateway?\n";
    deepEqual(await against(reload, status, body), { code: 1, out: "", err });
    deepEqual(await against(top, status, body), { code: 1, out: "", err });
  });
}

Deno.test("an answer that is too long is an error", async () => {
  const { code, err } = await against(reload, 200, "x".repeat(9 * 1024 * 1024));
  deepEqual([code, err], [1, "Cannot ask the gateway at http://HOST: the answer is too long\n"]);
});
