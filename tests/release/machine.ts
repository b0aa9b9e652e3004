/** A folder that install.sh installs into, in place of a machine. */

import { repositoryPath } from "../repository.ts";

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A root folder that the script installs into, and the script. */
export class Machine implements AsyncDisposable {
  private constructor(readonly root: string) {}

  static async create(): Promise<Machine> {
    return new Machine(await Deno.makeTempDir({ prefix: "adit-install-" }));
  }

  install(...args: readonly string[]): Promise<Outcome> {
    return this.run(repositoryPath("config/install.sh"), args);
  }

  async run(
    script: string,
    args: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Outcome> {
    const { code, stdout, stderr } = await new Deno.Command("sh", {
      args: [script, "--root", this.root, ...args],
      env,
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  }

  read(path: string): Promise<string> {
    return Deno.readTextFile(this.root + path);
  }

  write(path: string, text: string): Promise<void> {
    return Deno.writeTextFile(this.root + path, text);
  }

  async mode(path: string): Promise<number> {
    return ((await Deno.stat(this.root + path)).mode ?? 0) & 0o777;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.root, { recursive: true });
  }
}
