/**
 * Tells when the configuration, or a file that it names, has changed and is whole again. Directories are watched rather
 * than files, because editors and Kubernetes replace files; what counts as a change is the content, once it is still.
 */

import { type FSWatcher, watch } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { dirname } from "node:path";

import { type Fingerprints, isPart } from "./file/files.ts";
import { lookAt, type StillOptions, whenStill } from "./file/still.ts";

export interface WatchOptions extends StillOptions {
  /** What the files held when the configuration was loaded, so that no change since then is missed. */
  readonly files: Fingerprints;
  /**
   * Called when content has changed and is still again, with what the files hold now; not again before the promise has
   * settled. Gives what it has read instead where that is not the same: files that are new, or are being written again.
   */
  readonly onChange: (still: Fingerprints) => Promise<Fingerprints | undefined>;
  /** Told, once for each directory, why it cannot be watched; its files are then only looked at every `pollMs`. */
  readonly onError: (error: unknown) => void;
  /** How long a burst of events is collected before the files are looked at. Default: 100. */
  readonly settleMs?: number;
  /**
   * How often the files are looked at without being told, for what no event tells: network file systems, a directory
   * that was deleted and made anew, a link further up the path. Default: 5000.
   */
  readonly pollMs?: number;
  /** In place of `watch` of `node:fs`. */
  readonly watchDirectory?: WatchDirectory;
}

export type WatchDirectory = (directory: string, onEvent: () => void) => FSWatcher;

export interface ConfigWatch {
  /** Resolves when everything that can be watched is, and a change since the load has been reported. */
  readonly ready: Promise<void>;
  /** The files to watch from now on, with what they held when they were loaded. */
  update(files: Fingerprints): void;
  close(): void;
}

/** Watches until it is closed; meanwhile it keeps the process alive. */
export function watchConfig(options: WatchOptions): ConfigWatch {
  return new ConfigWatcher(options);
}

interface WatchedDirectory {
  /** Another one means that the path leads to another directory now. */
  readonly inode: number;
  readonly watcher: FSWatcher;
}

class ConfigWatcher implements ConfigWatch {
  readonly ready: Promise<void>;
  readonly #options: WatchOptions;
  readonly #directories = new Map<string, WatchedDirectory>();
  /** Directories whose failure has been reported. */
  readonly #failed = new Set<string>();
  readonly #poll: ReturnType<typeof setInterval>;
  #settle: ReturnType<typeof setTimeout> | undefined;
  #files: Fingerprints;
  #running: Promise<void> | undefined;
  #runAgain = false;
  #closed = false;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#files = options.files;
    this.#poll = setInterval(() => this.#run(), options.pollMs ?? 5000);
    this.ready = this.#run();
  }

  update(files: Fingerprints): void {
    this.#files = files;
    this.#run();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#poll);
    clearTimeout(this.#settle);
    this.#unwatchAll();
  }

  /** The first event of a burst starts the timer; those until it ends are covered by the same look. */
  #onEvent(): void {
    if (this.#closed || this.#settle !== undefined) return;
    this.#settle = setTimeout(() => {
      this.#settle = undefined;
      // Among the events may have been the end of a directory that is there again, perhaps with the inode it had: to that
      // one, its watcher is deaf.
      this.#unwatchAll();
      this.#run();
    }, this.#options.settleMs ?? 100);
  }

  /** One look at a time; what is asked for meanwhile becomes one more afterwards. */
  #run(): Promise<void> {
    this.#runAgain = true;
    this.#running ??= this.#runUntilQuiet().finally(() => this.#running = undefined);
    return this.#running;
  }

  async #runUntilQuiet(): Promise<void> {
    while (this.#runAgain && !this.#closed) {
      this.#runAgain = false;
      try {
        await this.#watchDirectories();
        await this.#reportChange();
      } catch (error) {
        this.#options.onError(error);
      }
    }
  }

  /** Reports what differs from what is known of the files, once it is still; that is known from then on. */
  async #reportChange(): Promise<void> {
    const known = this.#files;
    if (isPart(known, (await lookAt(known.keys())).fingerprints)) return;
    // An update meanwhile is newer than what was compared here, and asks for another run.
    const isOver = () => this.#closed || this.#files !== known;
    let files: Fingerprints | undefined = known;
    while (files !== undefined) {
      const still = await whenStill(files.keys(), { ...this.#options, known, isOver });
      if (still === undefined || (files === known && isPart(known, still))) return;
      this.#files = still;
      files = await this.#options.onChange(still);
      if (files !== undefined) this.#files = known;
    }
  }

  /** Watches the directories that matter now, and only those. */
  async #watchDirectories(): Promise<void> {
    const wanted = await directoriesOf(this.#files.keys());
    for (const [directory, { inode }] of [...this.#directories]) {
      if (wanted.get(directory) !== inode) this.#unwatch(directory);
    }
    if (this.#closed) return;
    for (const [directory, inode] of wanted) {
      if (!this.#directories.has(directory)) this.#watch(directory, inode);
    }
  }

  #watch(directory: string, inode: number): void {
    const watchDirectory = this.#options.watchDirectory ?? watchWithEvents;
    try {
      const watcher = watchDirectory(directory, () => this.#onEvent());
      watcher.on("error", (error) => this.#onWatcherError(directory, error));
      this.#directories.set(directory, { inode, watcher });
    } catch (error) {
      this.#onWatcherError(directory, error);
    }
  }

  /** The next look, at the latest that of the poll, tries to watch the directory again. */
  #onWatcherError(directory: string, error: unknown): void {
    this.#unwatch(directory);
    if (this.#failed.has(directory)) return;
    this.#failed.add(directory);
    this.#options.onError(error);
  }

  #unwatchAll(): void {
    for (const directory of [...this.#directories.keys()]) this.#unwatch(directory);
  }

  #unwatch(directory: string): void {
    this.#directories.get(directory)?.watcher.close();
    this.#directories.delete(directory);
  }
}

const watchWithEvents: WatchDirectory = (directory, onEvent) => watch(directory, () => onEvent());

/** The directories, with their inodes, in which the files and the files behind their links stand. */
async function directoriesOf(paths: Iterable<string>): Promise<ReadonlyMap<string, number>> {
  const inodes = new Map<string, number>();
  for (const path of paths) {
    const target = await realpath(path).catch(() => path);
    for (const directory of [dirname(path), dirname(target)]) {
      const found = await stat(directory).catch(() => undefined);
      if (found !== undefined) inodes.set(directory, found.ino);
    }
  }
  return inodes;
}
