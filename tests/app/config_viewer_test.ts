/** The thread that reads the running configuration always reads the latest files. */

import { deepEqual } from "node:assert/strict";

import { ConfigViewer } from "../../lib/app/page/config_viewer.ts";
import type { FileCopies, ViewerData, ViewQuestion } from "../../lib/app/page/view_messages.ts";
import { fakeTime } from "../fakes/time.ts";

const PATH = "/etc/adit/adit.yaml";

/** A viewer whose threads answer at once; `started` are the copies that each was given. */
function startViewer() {
  const started: FileCopies[] = [];
  const { timers } = fakeTime();
  const viewer = new ConfigViewer({
    configPath: PATH,
    env: {},
    timers,
    startWorker: (_name, { data, onMessage }) => {
      started.push((data as ViewerData).copies);
      return {
        send: (message) => {
          const { id } = message as ViewQuestion;
          queueMicrotask(() => onMessage({ id, kind: "values", page: { values: [], total: id } }));
        },
        end: () => Promise.resolve(),
      };
    },
  });
  return { viewer, started };
}

const QUERY = { search: "", offset: 0, limit: 10 };

Deno.test("a question that waits across a reload is answered from the new files", async () => {
  const { viewer, started } = startViewer();
  const latest: FileCopies = new Map([[PATH, new SharedArrayBuffer(1)]]);
  viewer.start(new Map());
  const early = viewer.values(QUERY);
  viewer.use(latest);
  await early;
  await viewer.values(QUERY);
  deepEqual(started, [latest]);
});

Deno.test("after a reload, a new thread answers", async () => {
  const { viewer, started } = startViewer();
  const copies = ["first", "second"].map((path): FileCopies => new Map([[path, new SharedArrayBuffer(1)]]));
  for (const each of copies) {
    viewer.use(each);
    await viewer.values(QUERY);
    await viewer.values(QUERY);
  }
  deepEqual(started, copies);
});
