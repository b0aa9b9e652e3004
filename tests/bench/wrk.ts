/** Load by `wrk`: as many requests as a number of connections allows. */

import { run } from "./processes.ts";

export interface LoadOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Path of the file with the body. */
  readonly bodyFile: string;
  readonly connections: number;
  readonly seconds: number;
}

export interface Load {
  readonly requests: number;
  readonly microseconds: number;
  readonly bytes: number;
  /** Requests that failed in any way. */
  readonly errors: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

/** Sends requests for some seconds, and returns the results. */
export async function load({ url, headers, bodyFile, connections, seconds }: LoadOptions): Promise<Load> {
  const script = await Deno.makeTempFile({ prefix: "adit-bench-", suffix: ".lua" });
  await Deno.writeTextFile(script, scriptOf(headers, bodyFile));
  try {
    const command = [
      "wrk",
      "-t1",
      `-c${connections}`,
      `-d${seconds}s`,
      "--timeout",
      "60s",
      "-s",
      script,
      url,
    ];
    const output = await run(command, { place: "load" });
    return JSON.parse(output.slice(output.lastIndexOf("\n{")));
  } finally {
    await Deno.remove(script);
  }
}

/** The script defines the request, and prints the figures as JSON in its last line. */
function scriptOf(headers: Readonly<Record<string, string>>, bodyFile: string): string {
  const assignments = Object.entries(headers).map(([name, value]) =>
    `wrk.headers[${JSON.stringify(name)}] = ${JSON.stringify(value)}`
  );
  return `wrk.method = "POST"
local file = assert(io.open(${JSON.stringify(bodyFile)}, "rb"))
wrk.body = file:read("*a")
file:close()
${assignments.join("\n")}
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\\n{"requests":%d,"microseconds":%d,"bytes":%d,"errors":%d,"p50Us":%d,"p99Us":%d}',
    summary.requests, summary.duration, summary.bytes,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
`;
}
