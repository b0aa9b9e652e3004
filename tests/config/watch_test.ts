import { deepEqual, equal, match, ok } from "node:assert/strict";
import {
  type FSWatcher,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  watch,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type Fingerprints, readFile, RecordingReader } from "../../lib/config/file/files.ts";
import { type ConfigWatch, watchConfig, type WatchOptions } from "../../lib/config/watch.ts";

/** So long that no test detects a change by polling, unless it sets another interval. */
const NEVER_MS = 3_600_000;

const TAKEN = Promise.resolve(undefined);

async function fingerprints(paths: readonly string[]): Promise<Fingerprints> {
  const reader = new RecordingReader(readFile);
  for (const path of paths) await reader.read(path).catch(() => {});
  return reader.fingerprints;
}

/** Values pushed on one side and awaited on the other, in order. */
class Queue<Value> {
  readonly #values: Value[] = [];
  readonly #takers: ((value: Value) => void)[] = [];

  push(value: Value): void {
    const taker = this.#takers.shift();
    if (taker === undefined) this.#values.push(value);
    else taker(value);
  }

  take(): Promise<Value> {
    const value = this.#values.shift();
    return value === undefined
      ? new Promise((resolve) => this.#takers.push(resolve))
      : Promise.resolve(value);
  }

  get waiting(): number {
    return this.#values.length;
  }
}

interface Watched {
  readonly folder: string;
  readonly file: string;
  readonly watch: ConfigWatch;
  /** The content of the file at each reported change. */
  readonly changes: Queue<string>;
  readonly errors: Queue<unknown>;
}

interface Setup {
  /** Creates the files in the folder, and returns the path of the configuration. */
  readonly layOut?: (folder: string) => string;
  readonly options?: Partial<WatchOptions>;
}

/** Runs the test with a watched folder, and removes both afterwards. */
async function withWatch(
  { layOut = plainFile, options = {} }: Setup,
  test: (watched: Watched) => Promise<void>,
) {
  const folder = mkdtempSync(join(tmpdir(), "adit-watch-"));
  const file = layOut(folder);
  const changes = new Queue<string>();
  const errors = new Queue<unknown>();
  const watching = watchConfig({
    files: await fingerprints([file]),
    onChange: () => {
      changes.push(readFileSync(file, "utf8"));
      return TAKEN;
    },
    onError: (error) => errors.push(error),
    settleMs: 5,
    lookMs: 2,
    stillMs: 4,
    shrunkMs: 6,
    pollMs: NEVER_MS,
    ...options,
  });
  try {
    await watching.ready;
    await test({ folder, file, watch: watching, changes, errors });
  } finally {
    watching.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function plainFile(folder: string): string {
  const file = join(folder, "adit.yaml");
  writeFileSync(file, "one");
  return file;
}

function replace(file: string, content: string): void {
  writeFileSync(`${file}.new`, content);
  renameSync(`${file}.new`, file);
}

/** The layout of a mounted ConfigMap: the file is a link through `..data` into a folder named after the time. */
function configMap(folder: string): string {
  exchangeConfigMap(folder, "one");
  symlinkSync("..data/adit.yaml", join(folder, "adit.yaml"));
  return join(folder, "adit.yaml");
}

function exchangeConfigMap(folder: string, content: string): void {
  mkdirSync(join(folder, `..${content}`));
  writeFileSync(join(folder, `..${content}`, "adit.yaml"), content);
  symlinkSync(`..${content}`, join(folder, "..data_tmp"));
  renameSync(join(folder, "..data_tmp"), join(folder, "..data"));
}

Deno.test("writing in place is seen, time after time", () =>
  withWatch({}, async ({ file, changes }) => {
    for (const content of ["two", "three", "four"]) {
      writeFileSync(file, content);
      equal(await changes.take(), content);
    }
  }));

Deno.test("every replacement by rename is detected, and so is a later write in place", () =>
  withWatch({}, async ({ file, changes }) => {
    for (const content of ["two", "three", "four"]) {
      replace(file, content);
      equal(await changes.take(), content);
    }
    writeFileSync(file, "five");
    equal(await changes.take(), "five");
  }));

Deno.test("every replacement of Kubernetes' ..data link is detected", () =>
  withWatch({ layOut: configMap }, async ({ folder, changes }) => {
    let before = "one";
    for (const content of ["two", "three", "four"]) {
      exchangeConfigMap(folder, content);
      rmSync(join(folder, `..${before}`), { recursive: true });
      before = content;
      equal(await changes.take(), content);
    }
  }));

Deno.test("the target of a link is watched, and its new target after a change", () => {
  const layOut = (folder: string) => {
    for (const name of ["etc", "first", "second"]) mkdirSync(join(folder, name));
    writeFileSync(join(folder, "first/real.yaml"), "one");
    writeFileSync(join(folder, "second/real.yaml"), "three");
    symlinkSync("../first/real.yaml", join(folder, "etc/adit.yaml"));
    return join(folder, "etc/adit.yaml");
  };
  return withWatch({ layOut }, async ({ folder, changes, watch: watching }) => {
    writeFileSync(join(folder, "first/real.yaml"), "two");
    equal(await changes.take(), "two");
    symlinkSync("../second/real.yaml", join(folder, "etc/new"));
    renameSync(join(folder, "etc/new"), join(folder, "etc/adit.yaml"));
    equal(await changes.take(), "three");
    watching.update(await fingerprints([join(folder, "etc/adit.yaml")]));
    await watching.ready;
    writeFileSync(join(folder, "second/real.yaml"), "four");
    equal(await changes.take(), "four");
  });
});

Deno.test("deleting the file is a change, and creating it again is another", async () => {
  const changes = new Queue<boolean>();
  const onChange = () => {
    changes.push(true);
    return TAKEN;
  };
  await withWatch({ options: { onChange } }, async ({ file }) => {
    rmSync(file);
    await changes.take();
    writeFileSync(file, "one");
    await changes.take();
  });
});

Deno.test("writing the same content, or another file in the folder, is not a change", () =>
  withWatch({}, async ({ folder, file, changes }) => {
    writeFileSync(file, "one");
    replace(file, "one");
    writeFileSync(join(folder, "other"), "x");
    writeFileSync(file, "two");
    equal(await changes.take(), "two");
    equal(changes.waiting, 0);
  }));

Deno.test("a change between loading and watching is reported at once", async () => {
  const folder = mkdtempSync(join(tmpdir(), "adit-watch-"));
  const file = plainFile(folder);
  const files = await fingerprints([file]);
  writeFileSync(file, "two");
  let reported = 0;
  const watching = watchConfig({
    files,
    onChange: () => {
      reported++;
      return TAKEN;
    },
    onError: () => {},
    pollMs: NEVER_MS,
  });
  await watching.ready;
  watching.close();
  rmSync(folder, { recursive: true });
  equal(reported, 1);
});

Deno.test("files that are included later are watched, in any folder", () =>
  withWatch({}, async ({ folder, file, changes, watch: watching }) => {
    const secret = join(folder, "secrets/key");
    mkdirSync(join(folder, "secrets"));
    writeFileSync(secret, "old");
    watching.update(await fingerprints([file, secret]));
    await watching.ready;
    replace(secret, "new");
    equal(await changes.take(), "one");
  }));

Deno.test("a folder that is deleted and recreated is watched again", () => {
  const layOut = (folder: string) => {
    mkdirSync(join(folder, "etc"));
    return plainFile(join(folder, "etc"));
  };
  const armed = new Queue<string>();
  const watchDirectory = (directory: string, onEvent: () => void) => {
    armed.push(directory);
    return watch(directory, onEvent);
  };
  return withWatch({ layOut, options: { watchDirectory, pollMs: 20 } }, async ({ folder, file }) => {
    equal(await armed.take(), join(folder, "etc"));
    rmSync(join(folder, "etc"), { recursive: true });
    mkdirSync(join(folder, "etc"));
    writeFileSync(file, "one");
    equal(await armed.take(), join(folder, "etc"));
  });
});

Deno.test("if directories cannot be watched, files are polled, and the reason is reported once", () => {
  const watchDirectory = (): FSWatcher => {
    throw new Error("no space left for watches");
  };
  return withWatch({ options: { watchDirectory, pollMs: 10 } }, async ({ file, changes, errors }) => {
    for (const content of ["two", "three"]) {
      writeFileSync(file, content);
      equal(await changes.take(), content);
    }
    match(String(await errors.take()), /no space left/);
    equal(errors.waiting, 0);
  });
});

Deno.test("a watcher that fails is replaced by a new one", () => {
  const watchers = new Queue<FSWatcher>();
  const watchDirectory = (directory: string, onEvent: () => void) => {
    const watcher = watch(directory, onEvent);
    watchers.push(watcher);
    return watcher;
  };
  return withWatch({ options: { watchDirectory, pollMs: 20 } }, async ({ file, changes, errors }) => {
    (await watchers.take()).emit("error", new Error("the watch broke"));
    match(String(await errors.take()), /the watch broke/);
    ok(await watchers.take());
    writeFileSync(file, "two");
    equal(await changes.take(), "two");
  });
});

Deno.test("a change that is rejected is reported, and the next one is detected", () => {
  const calls = new Queue<number>();
  let count = 0;
  const onChange = () => {
    calls.push(++count);
    return Promise.reject(new Error("the reload broke"));
  };
  return withWatch({ options: { onChange } }, async ({ file, errors }) => {
    writeFileSync(file, "two");
    equal(await calls.take(), 1);
    match(String(await errors.take()), /the reload broke/);
    writeFileSync(file, "three");
    equal(await calls.take(), 2);
    await errors.take();
  });
});

Deno.test("a change during a reload is reported after it, never concurrently", () => {
  const started = new Queue<() => void>();
  let running = 0;
  const onChange = async () => {
    equal(++running, 1);
    await new Promise<void>((resolve) => started.push(resolve));
    running--;
    return undefined;
  };
  return withWatch({ options: { onChange } }, async ({ file }) => {
    writeFileSync(file, "two");
    const finishFirst = await started.take();
    writeFileSync(file, "three");
    finishFirst();
    (await started.take())();
  });
});

Deno.test("content that is restored in time is not a change", async () => {
  const noticed = new Queue<number>();
  let path = "";
  let looks = 0;
  const pass = () => {
    if (looks++ === 0) writeFileSync(path, "one");
    noticed.push(looks);
    return Promise.resolve();
  };
  await withWatch({ options: { pass } }, async ({ file, changes }) => {
    path = file;
    writeFileSync(file, "");
    await noticed.take();
    writeFileSync(file, "two");
    equal(await changes.take(), "two");
    equal(changes.waiting, 0);
  });
});

Deno.test("files that are new to a reload are waited for, and then reported", () => {
  const calls = new Queue<Fingerprints>();
  const read = new Queue<Fingerprints | undefined>();
  const onChange = (still: Fingerprints) => {
    calls.push(still);
    return read.take();
  };
  return withWatch({ options: { onChange } }, async ({ folder, file }) => {
    const other = join(folder, "new.pem");
    writeFileSync(other, "new");
    writeFileSync(file, "two");
    read.push(await fingerprints([file, other]));
    read.push(undefined);
    deepEqual([...(await calls.take()).keys()], [file]);
    deepEqual([...(await calls.take()).keys()], [file, other]);
  });
});
