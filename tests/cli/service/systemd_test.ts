import assert from "node:assert/strict";
import { decodeUtf8 } from "../../../lib/base/bytes.ts";
import { systemdNotifier, type SystemdOptions } from "../../../lib/cli/service/systemd.ts";

interface Sent {
  readonly socket: string;
  readonly text: string;
}

/** A notifier that records its messages and the interval of the watchdog. */
function setUp(env: SystemdOptions["env"], failing: () => boolean = () => false) {
  const sent: Sent[] = [];
  const warnings: unknown[] = [];
  const turns: { everyMs: number; turn: () => void }[] = [];
  const notifier = systemdNotifier({
    env,
    pid: 42,
    systemCalls: {
      sendDatagram: (socket, data) => {
        if (failing()) throw new Error("nobody listens");
        sent.push({ socket, text: decodeUtf8(data) });
      },
      monotonicMicroseconds: () => 123_456_789n,
    },
    logger: {
      level: "info",
      add() {},
      log: (level, message, fields) => warnings.push([level, message, fields]),
      flush: () => Promise.resolve(),
    },
    repeat: (everyMs, turn) => {
      turns.push({ everyMs, turn });
      return () => {};
    },
  });
  return { notifier, sent, warnings, turns };
}

Deno.test("there is no notifier without NOTIFY_SOCKET", () => {
  assert.equal(setUp({ WATCHDOG_USEC: "1000000" }).notifier, undefined);
  assert.equal(setUp({ NOTIFY_SOCKET: "" }).notifier, undefined);
});

Deno.test("each state is one message with one assignment per line", () => {
  const { notifier, sent } = setUp({ NOTIFY_SOCKET: "@adit" });
  notifier?.ready("serving\nwith  problems", () => true);
  notifier?.reloading();
  notifier?.stopping(31_000);
  assert.deepEqual(sent, [
    { socket: "@adit", text: "READY=1\nSTATUS=serving with problems\n" },
    {
      socket: "@adit",
      text: "RELOADING=1\nMONOTONIC_USEC=123456789\nSTATUS=reading the configuration\n",
    },
    {
      socket: "@adit",
      text: "STOPPING=1\nSTATUS=finishing in-flight requests\nEXTEND_TIMEOUT_USEC=36000000\n",
    },
  ]);
});

Deno.test("the longest status fits into a message that systemd accepts", () => {
  const { notifier, sent } = setUp({ NOTIFY_SOCKET: "/run/notify" });
  notifier?.ready("€".repeat(10_000), () => true);
  assert.ok(new TextEncoder().encode(sent[0]?.text).length <= 4_096);
});

const WATCHDOGS: readonly (readonly [env: SystemdOptions["env"], everyMs: number | undefined])[] = [
  [{ WATCHDOG_USEC: "30000000" }, 15_000],
  [{ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "42" }, 15_000],
  [{ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "43" }, undefined],
  [{}, undefined],
  [{ WATCHDOG_USEC: "0" }, undefined],
  [{ WATCHDOG_USEC: "soon" }, undefined],
];

Deno.test("the watchdog hears of this process alone, at half its limit, from the first ready on", () => {
  for (const [env, everyMs] of WATCHDOGS) {
    const { notifier, turns, sent } = setUp({ NOTIFY_SOCKET: "/run/notify", ...env });
    assert.equal(turns.length, 0);
    notifier?.ready("serving", () => true);
    notifier?.ready("serving again", () => true);
    assert.deepEqual(turns.map((turn) => turn.everyMs), everyMs === undefined ? [] : [everyMs]);
    for (const { turn } of turns) turn();
    assert.equal(sent.at(-1)?.text, everyMs === undefined ? sent[1]?.text : "WATCHDOG=1\n");
  }
});

Deno.test("the watchdog hears nothing while a thread does not answer", () => {
  const { notifier, turns, sent } = setUp({ NOTIFY_SOCKET: "/run/notify", WATCHDOG_USEC: "30000000" });
  let isAlive = false;
  notifier?.ready("serving", () => isAlive);
  turns[0]?.turn();
  assert.equal(sent.length, 1);
  isAlive = true;
  turns[0]?.turn();
  assert.equal(sent.at(-1)?.text, "WATCHDOG=1\n");
});

Deno.test("a failure to notify is logged once, and again only after a success", () => {
  let isDeaf = true;
  const { notifier, warnings } = setUp({ NOTIFY_SOCKET: "/run/notify" }, () => isDeaf);
  notifier?.ready("serving", () => true);
  notifier?.reloading();
  assert.deepEqual(warnings, [["warn", "cannot notify systemd", { error: "nobody listens" }]]);
  isDeaf = false;
  notifier?.ready("serving", () => true);
  isDeaf = true;
  notifier?.stopping(0);
  assert.equal(warnings.length, 2);
});
