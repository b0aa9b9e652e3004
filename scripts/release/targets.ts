/** The platforms of a release, and the Bun in each binary. */

export interface Target {
  /** In the binary's name: `adit-VERSION-linux-x64`. */
  readonly name: string;
  /** The name for `bun build --target`. */
  readonly bun: string;
  /** The npm package with that Bun's executable, `bin/bun` or `bin/bun.exe`. */
  readonly package: string;
  /** The suffix of programs in the operating system. */
  readonly suffix: "" | ".exe";
}

/** "Baseline" runs on every x86-64 processor; the other variants need AVX2. */
export const TARGETS: readonly Target[] = [
  { name: "linux-x64", bun: "bun-linux-x64-baseline", package: "@oven/bun-linux-x64-baseline", suffix: "" },
  { name: "linux-arm64", bun: "bun-linux-arm64", package: "@oven/bun-linux-aarch64", suffix: "" },
  {
    name: "linux-x64-musl",
    bun: "bun-linux-x64-musl-baseline",
    package: "@oven/bun-linux-x64-musl-baseline",
    suffix: "",
  },
  {
    name: "linux-arm64-musl",
    bun: "bun-linux-arm64-musl",
    package: "@oven/bun-linux-aarch64-musl",
    suffix: "",
  },
  {
    name: "darwin-x64",
    bun: "bun-darwin-x64-baseline",
    package: "@oven/bun-darwin-x64-baseline",
    suffix: "",
  },
  { name: "darwin-arm64", bun: "bun-darwin-arm64", package: "@oven/bun-darwin-aarch64", suffix: "" },
  {
    name: "windows-x64",
    bun: "bun-windows-x64-baseline",
    package: "@oven/bun-windows-x64-baseline",
    suffix: ".exe",
  },
  { name: "windows-arm64", bun: "bun-windows-arm64", package: "@oven/bun-windows-aarch64", suffix: ".exe" },
];
