/** The usage ledger of the real program: its records, the loss in a crash, and the files that it refuses. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { MIGRATIONS } from "../../lib/ledger/migrations.ts";
import { awayFromMidnight } from "../fakes/midnight.ts";
import { connectRaw } from "../fakes/raw_client.ts";
import { emulatorConfig, KEY } from "./configs.ts";
import { type Program, runProgram, RUNTIMES, startProgram } from "./program.ts";

const PERMISSIONS = { denoPermissions: ["--allow-write"] };

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  await awayFromMidnight();
  const folder = await Deno.makeTempDir({ prefix: "adit-ledger-" });
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function config(folder: string, more = ""): string {
  return emulatorConfig({}, `state: { path: ${folder}${more} }\n`);
}

async function chat(program: Program, body: Record<string, unknown> = {}): Promise<Response> {
  return await fetch(`${program.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${KEY}` },
    body: JSON.stringify({ model: "nova", messages: [{ role: "user", content: "Hi" }], ...body }),
  });
}

interface Sums {
  readonly requests: number;
  readonly cost_usd: string;
  readonly unpriced_requests: number;
}

async function total(program: Program, period = ""): Promise<Sums> {
  const response = await fetch(`${program.adminUrl}/admin/v1/usage${period}`);
  assert.equal(response.status, 200);
  return (await response.json()).total;
}

/** A decimal amount in nanodollars. */
function nano(usd: string): bigint {
  const [whole = "0", fraction = ""] = usd.split(".");
  return BigInt(whole) * 1_000_000_000n + BigInt(fraction.padEnd(9, "0"));
}

for (const runtime of RUNTIMES) {
  Deno.test(`all views of the ledger agree to the nanodollar: ${runtime}`, () =>
    inFolder(async (folder) => {
      await using program = await startProgram(runtime, config(folder), PERMISSIONS);
      let sent = 0n;
      for (const model of ["nova", "claude", "nova"]) {
        const response = await chat(program, { model });
        await response.text();
        sent += nano(response.headers.get("x-adit-cost") ?? "");
      }
      await (await chat(program, { stream: true })).text();
      const native = await fetch(`${program.url}/model/us.anthropic.claude-haiku-4-5-20251001-v1:0/invoke`, {
        method: "POST",
        headers: { authorization: `Bearer ${KEY}` },
        body: JSON.stringify({
          anthropic_version: "bedrock-2023-05-31",
          max_tokens: 50,
          messages: [{ role: "user", content: "Hi" }],
        }),
      });
      assert.equal(native.status, 200, await native.text());
      sent += nano(native.headers.get("x-adit-cost") ?? "");
      assert.equal((await chat(program, { model: "no-such-model" })).status, 404);

      const sums = await total(program);
      assert.equal(sums.requests, 6);
      assert.equal(sums.unpriced_requests, 0);
      const grouped = await (await fetch(`${program.adminUrl}/admin/v1/usage?group_by=caller,model,hour`))
        .json();
      const requests = (await (await fetch(`${program.adminUrl}/admin/v1/requests`)).json()).requests;
      const ndjson = await (await fetch(`${program.adminUrl}/admin/v1/usage/export?format=ndjson`)).text();
      const csv = await (await fetch(`${program.adminUrl}/admin/v1/usage?group_by=model&format=csv`)).text();
      const own =
        await (await fetch(`${program.url}/v1/usage`, { headers: { authorization: `Bearer ${KEY}` } }))
          .json();
      let written = 0;
      await program.waitForLog(({ message }) => message === "request" && ++written === 6);
      const logged = program.logs.filter((line) =>
        line.message === "request" && line["cost_usd"] !== undefined
      )
        .map((line) => ({ cost_usd: String(line["cost_usd"]) }));
      const cli = await runProgram(
        runtime,
        ["usage", "--format", "json", "--config", program.configPath],
        PERMISSIONS,
      );
      const [header = "", ...lines] = csv.trimEnd().split("\r\n");
      const column = header.split(",").indexOf("cost_usd");
      const sum = (rows: readonly { readonly cost_usd: string }[]) =>
        rows.reduce((all, row) => all + nano(row.cost_usd), 0n);
      const views = {
        total: nano(sums.cost_usd),
        grouped: sum(grouped.rows),
        requests: sum(requests),
        export: sum(ndjson.trimEnd().split("\n").map((line) => JSON.parse(line))),
        csv: sum(lines.map((line) => ({ cost_usd: line.split(",")[column] ?? "" }))),
        own: nano(own.total.cost_usd),
        log: sum(logged),
        cli: nano(JSON.parse(cli.stdout).total.cost_usd),
      };
      assert.ok(views.total > sent, "the stream costs something, too");
      for (const [name, value] of Object.entries(views)) assert.equal(value, views.total, name);
    }));

  Deno.test(`usage is shown to a client with an invalid Host header: ${runtime}`, () =>
    inFolder(async (folder) => {
      await using program = await startProgram(runtime, config(folder), PERMISSIONS);
      await using client = await connectRaw(program.adminUrl);
      client.send("GET /admin/v1/usage?group_by=model HTTP/1.1\r\nHost: [\r\nConnection: close\r\n\r\n");
      assert.match(await client.rest(), /^HTTP\/1\.1 200 /);
    }));

  Deno.test(`kill -9 under load loses at most the last batch, and the file stays sound: ${runtime}`, () =>
    inFolder(async (folder) => {
      await using program = await startProgram(runtime, config(folder), PERMISSIONS);
      const [before = 0] = [await load(program, 300)];
      const kept = (await total(program)).requests;
      assert.equal(kept, before);
      // More requests are settled while the process dies.
      const during = load(program, 300).catch(() => 0);
      await program.stop("SIGKILL");
      await during;
      const database = new DatabaseSync(`${folder}/ledger.db`);
      assert.equal(database.prepare("PRAGMA integrity_check").get()?.["integrity_check"], "ok");
      const count = Number(database.prepare("SELECT count(*) AS n FROM request").get()?.["n"]);
      const hours = Number(database.prepare("SELECT sum(requests) AS n FROM usage_hour").get()?.["n"]);
      database.close();
      assert.ok(count >= kept, `${count} of ${kept}`);
      assert.equal(hours, count);
      // The lock of a dead process is gone.
      await using again = await startProgram(runtime, config(folder), PERMISSIONS);
      assert.equal((await total(again)).requests, count);
    }));
}

/** Sends requests, 20 at a time; returns how many were answered. */
async function load(program: Program, requests: number): Promise<number> {
  let left = requests;
  let answered = 0;
  await Promise.all(Array.from({ length: 20 }, async () => {
    while (left-- > 0) {
      await (await chat(program)).text();
      answered++;
    }
  }));
  return answered;
}

Deno.test("an unknown parameter of a view is refused by name, for operators and callers", () =>
  inFolder(async (folder) => {
    await using program = await startProgram("bun", config(folder));
    const authorization = `Bearer ${KEY}`;
    const refusal = async (url: string) => {
      const response = await fetch(url, { headers: { authorization } });
      return [
        response.status,
        /unknown parameter \\?"[^"]*"/.exec(await response.text())?.[0].replaceAll("\\", ""),
      ];
    };
    for (
      const [path, name] of [
        ["usage?groupby=caller", "groupby"],
        ["usage?filter.error=*", "filter.error"],
        ["usage/export?limit=5", "limit"],
        ["requests?filter.callers=demo&limit=5", "filter.callers"],
      ] as const
    ) {
      assert.deepEqual(await refusal(`${program.adminUrl}/admin/v1/${path}`), [
        400,
        `unknown parameter "${name}"`,
      ]);
    }
    assert.deepEqual(await refusal(`${program.url}/v1/usage?by=day`), [400, 'unknown parameter "by"']);
    assert.deepEqual(await refusal(`${program.url}/v1/usage?group_by=day&filter.caller=x`), [200, undefined]);
  }));

Deno.test("a second gateway on the same ledger does not start", () =>
  inFolder(async (folder) => {
    await using program = await startProgram("bun", config(folder));
    const second = await runProgram("bun", ["serve", "--config", program.configPath]);
    assert.equal(second.code, 1);
    assert.match(second.stdout, /another gateway uses it; give each its own state\.path/);
    assert.equal((await total(program)).requests, 0);
  }));

Deno.test("a file of a later version is refused, and the error names the copy", () =>
  inFolder(async (folder) => {
    await using program = await startProgram("bun", config(folder));
    await program.stop();
    const database = new DatabaseSync(`${folder}/ledger.db`);
    database.exec("PRAGMA user_version = 99");
    database.close();
    const known = MIGRATIONS.length;
    await Deno.copyFile(`${folder}/ledger.db`, `${folder}/ledger.db.tables-${known}`);
    const later = await runProgram("bun", ["serve", "--config", program.configPath]);
    assert.equal(later.code, 1);
    const words =
      `it was written by a later version of Adit (table version 99; this version supports up to ${known}); the copy from before the upgrade is `;
    assert.ok(later.stdout.includes(`${words}${folder}/ledger.db.tables-${known}`), later.stdout);
  }));

/** Makes the folder unusable; returns the folder of the ledger. */
const UNUSABLE: Readonly<Record<string, (folder: string) => Promise<string>>> = {
  "a corrupt file": async (folder) => {
    await Deno.writeTextFile(`${folder}/ledger.db`, "no database ".repeat(1000));
    return folder;
  },
  "a damaged lock": async (folder) => {
    await Deno.writeTextFile(`${folder}/ledger.lock`, "x".repeat(9000));
    return folder;
  },
  // Also root cannot write there.
  "a folder that cannot be written": () => Promise.resolve("/proc/1"),
};

for (const [what, spoil] of Object.entries(UNUSABLE)) {
  Deno.test(`with ${what}, requests are served, the log says so, and required refuses the start`, () =>
    inFolder(async (folder) => {
      const state = await spoil(folder);
      await using program = await startProgram("bun", config(state));
      assert.equal((await chat(program)).status, 200);
      await program.waitForLog((line) => line.message === "usage is not written to the ledger");
      assert.equal((await fetch(`${program.adminUrl}/-/ready`)).status, 200);
      const status = await (await fetch(`${program.adminUrl}/-/status`)).json();
      assert.match(status.ledger.error, /Cannot use the ledger/);
      assert.equal((await fetch(`${program.adminUrl}/admin/v1/usage`)).status, 503);
      await program.stop();
      await Deno.writeTextFile(
        program.configPath,
        `listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\n${config(state, ", required: true")}`,
      );
      const refused = await runProgram("bun", ["serve", "--config", program.configPath]);
      assert.equal(refused.code, 1);
      assert.match(refused.stdout, /Cannot use the ledger/);
    }));
}

Deno.test("on a full disk, requests are served and rows wait until there is room", () =>
  inFolder(async (folder) => {
    const mount = new Deno.Command("mount", { args: ["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder] });
    // Only root can make a small disk.
    if (!(await mount.output()).success) return;
    try {
      await using program = await startProgram("bun", config(folder));
      await load(program, 20);
      assert.equal((await total(program)).requests, 20);
      await fill(`${folder}/ballast`);
      await load(program, 1500);
      await program.waitForLog((line) => line.message === "usage is not written to the ledger");
      assert.equal((await chat(program)).status, 200);
      await Deno.remove(`${folder}/ballast`);
      await program.waitForLog((line) => line.message === "the ledger can be written again");
      await program.stop();
      const database = new DatabaseSync(`${folder}/ledger.db`);
      assert.equal(database.prepare("SELECT count(*) AS n FROM request").get()?.["n"], 1521);
      database.close();
    } finally {
      await new Deno.Command("umount", { args: [folder] }).output();
    }
  }));

Deno.test("while the file is elsewhere, requests are served and rows wait until it is back", () =>
  inFolder(async (folder) => {
    await using program = await startProgram("bun", config(folder));
    await load(program, 20);
    assert.equal((await total(program)).requests, 20);
    await Deno.rename(`${folder}/ledger.db`, `${folder}/elsewhere`);
    await load(program, 30);
    const { error } = await program.waitForLog(({ message }) =>
      message === "usage is not written to the ledger"
    );
    assert.match(String(error), /deleted or replaced/);
    await Deno.rename(`${folder}/elsewhere`, `${folder}/ledger.db`);
    await program.waitForLog(({ message }) => message === "the ledger can be written again");
    assert.equal((await total(program)).requests, 50);
    await program.stop();
  }));

/** Loaded before the program, whose clock is then ahead by the number in a file. */
const SHIFTED_CLOCK = `import { readFileSync } from "node:fs";
import process from "node:process";
const now = Date.now.bind(Date);
Date.now = () => now() + Number(readFileSync(process.env.ADIT_TEST_CLOCK, "utf8"));
`;
const DAY_MS = 86_400_000;

Deno.test("after a clock jump, every request is recorded once, and budgets return to their day", () =>
  inFolder(async (folder) => {
    const set = (days: number) => Deno.writeTextFile(`${folder}/clock`, String(days * DAY_MS));
    await Deno.writeTextFile(`${folder}/shift.mjs`, SHIFTED_CLOCK);
    await set(0);
    // What is loaded before the program is not loaded before its threads.
    const text = `${config(`${folder}/state`)}threads: 1\nbudgets: { daily: { requests: 1, window: day } }\n`;
    // Bun 1.4.4 loads the modules in BUN_OPTIONS into a binary only after its program, so this is only tested on Deno.
    const options = {
      denoPermissions: ["--allow-write", `--preload=${folder}/shift.mjs`],
      env: { ADIT_TEST_CLOCK: `${folder}/clock` },
    };
    const ask = async (program: Program) => {
      const response = await chat(program);
      await response.text();
      return response.status;
    };
    {
      await using program = await startProgram("deno", text, options);
      assert.deepEqual([await ask(program), await ask(program)], [200, 429]);
      await set(1);
      assert.deepEqual([await ask(program), await ask(program)], [200, 429]);
      await program.waitForLog(({ message }) =>
        message === "the clock jumped; budgets continue in the window of the new time"
      );
      await set(0);
      assert.equal(await ask(program), 429);
      await set(-1);
      assert.equal(await ask(program), 200);
      const rows = (await (await fetch(`${program.adminUrl}/admin/v1/requests${ALWAYS}`)).json()).requests;
      assert.deepEqual(
        rows.map(({ time, status }: { time: string; status: number }) => [
          // Without this, a time shortly before now is -0.
          Math.round((Date.parse(time) - Date.now()) / DAY_MS) + 0,
          status,
        ]).reverse(),
        [[-1, 200], [0, 200], [0, 429], [0, 429], [1, 200], [1, 429]],
      );
      assert.equal((await total(program, ALWAYS)).requests, 6);
      await program.stop("SIGKILL");
    }
    // A process that starts on a day before the last one continues with what that day has spent.
    await using again = await startProgram("deno", text, options);
    assert.equal(await ask(again), 429);
    assert.equal((await total(again, ALWAYS)).requests, 7);
  }));

/** A period with every day to which a clock is set. */
const ALWAYS = "?from=2020-01-01&to=2100-01-01";

/** Writes until the disk is full. */
async function fill(path: string): Promise<void> {
  using file = await Deno.open(path, { write: true, create: true });
  const block = new Uint8Array(4096);
  for (;;) {
    try {
      if (await file.write(block) === 0) return;
    } catch {
      return;
    }
  }
}
