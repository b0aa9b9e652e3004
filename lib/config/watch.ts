/**
 * Reports when the configuration, or a file that it names, has changed and is complete again. Directories are watched rather
 * than files, because editors and Kubernetes replace files. Only a different content counts as a change.
 */

import { type FSWatcher, watch } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { dirname } from "node:path";

import { systemClock } from "../base/clock.ts";
import { type Fingerprints, isPart } from "./file/files.ts";
import { Looks } from "./file/looks.ts";
import { type StillOptions, whenStill } from "./file/still.ts";

export interface WatchOptions extends StillOptions {
  /** The files when the configuration was loaded, so that no change since then is missed. */
  readonly files: Fingerprints;
  /**
   * Called with the new fingerprints when files have changed and are complete; not called again before the promise has
   * settled. Resolves with the fingerprints of what it read if they differ, because of new files or further changes.
   */
  readonly onChange: (still: Fingerprints) => Promise<Fingerprints | undefined>;
  /** Called once for each directory that cannot be watched; its files are then only checked every `pollMs`. */
  readonly onError: (error: unknown) => void;
  /** Time from the first event of a burst to the check of the files. Default: 100. */
  readonly settleMs?: number;
  /**
   * How often the files are checked without an event, for changes that cause none: network file systems, a directory
   * that was deleted and recreated, a link further up the path. Default: 5000.
   */
  readonly pollMs?: number;
  /** Default: `watch` of `node:fs`. */
  readonly watchDirectory?: WatchDirectory;
}

export type WatchDirectory = (directory: string, onEvent: () => void) => FSWatcher;

export interface ConfigWatch {
  /** Resolves when the directories are watched and any change since loading has been reported. */
  readonly ready: Promise<void>;
  /** Sets the files to watch, with their fingerprints when they were loaded. */
  update(files: Fingerprints): void;
  close(): void;
}

/** Watches until it is closed, and keeps the process alive until then. */
export function watchConfig(options: WatchOptions): ConfigWatch {
  return new ConfigWatcher(options);
}

interface WatchedDirectory {
  /** Changes if the path leads to a different directory. */
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
  readonly #looks = new Looks(systemClock.now);
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

  /** The first event of a burst starts the timer; later ones are covered by the same check. */
  #onEvent(): void {
    if (this.#closed || this.#settle !== undefined) return;
    this.#settle = setTimeout(() => {
      this.#settle = undefined;
      // The events may include the deletion of a directory that exists again, possibly with the same inode; its old
      // watcher does not see the new one.
      this.#unwatchAll();
      this.#run();
    }, this.#options.settleMs ?? 100);
  }

  /** One check at a time; requests in the meantime cause one more check afterwards. */
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

  /** Reports a change of the files when they are complete, and remembers their new fingerprints. */
  async #reportChange(): Promise<void> {
    const known = this.#files;
    if (isPart(known, (await this.#looks.at(known.keys())).fingerprints)) return;
    // An update in the meantime makes this comparison obsolete, and has requested another run.
    const isOver = () => this.#closed || this.#files !== known;
    let files: Fingerprints | undefined = known;
    while (files !== undefined) {
      const still = await whenStill(files.keys(), { ...this.#options, looks: this.#looks, known, isOver });
      if (still === undefined || (files === known && isPart(known, still))) return;
      this.#files = still;
      files = await this.#options.onChange(still);
      if (files !== undefined) this.#files = known;
    }
  }

  /** Watches the directories of the current files, and stops watching others. */
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

  /** The next check, at the latest after `pollMs`, tries to watch the directory again. */
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

/** The directories, with their inodes, that contain the files and the targets of their links. */
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
