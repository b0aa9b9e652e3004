/** Other gateways in the benchmark, as `ADIT_BENCH_PEERS` lists them: how each is started, and how its requests differ. */

import { z } from "zod";
import type { Ask } from "./cells.ts";
import { modelOf, type Pace } from "./requests.ts";

const strings = z.record(z.string(), z.string());

const peerSchema = z.strictObject({
  name: z.string().min(1),
  /**
   * With `{upstream}` for the URL of the canned Bedrock, `{upstream_host}` for its host and port, and `{port}` for a port to
   * listen on: two of its processes run at the same time.
   */
  command: z.array(z.string()).min(1),
  /** The variables that the command needs in its environment, with the same words. */
  env: strings.default({}),
  /** With `{port}`. */
  url: z.string().regex(/^http:\/\/[^/]*\{port\}/, "expected http://, a host and {port}")
    .transform((url) => url.replace(/\/$/, "")),
  /** The name of its model, with `{pace}` for `even`, `burst` or `paced`. */
  model: z.string().min(1).default(modelOf("{pace}")),
  /** Of its chat endpoint. */
  path: z.string().startsWith("/").default("/v1/chat/completions"),
  /** Of its Messages endpoint; left out where it has none. */
  messages_path: z.string().startsWith("/").optional(),
  headers: strings.default({}),
  /** Members that replace those of each request's body; null removes one. */
  body: z.record(z.string(), z.json()).default({}),
});

export type Peer = z.output<typeof peerSchema>;

/** The peers in the text of a JSON list. Throws an `Error` with the path of what is wrong. */
export function parsePeers(text: string): readonly Peer[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error("Cannot read ADIT_BENCH_PEERS: expected a JSON list");
  }
  const { data, error } = z.array(peerSchema).safeParse(value);
  if (data === undefined) throw new Error(`Cannot read ADIT_BENCH_PEERS: ${z.prettifyError(error)}`);
  return data;
}

/** Where one process of a peer listens, and what it calls. */
export interface PeerPlace {
  readonly upstream: string;
  readonly port: number;
}

/** A word of the settings with the addresses of this process. */
export function placed(word: string, { upstream, port }: PeerPlace): string {
  return word.replaceAll("{upstream}", upstream).replaceAll("{upstream_host}", new URL(upstream).host)
    .replaceAll("{port}", String(port));
}

/** Path of the peer's address for a request, or undefined where it does not answer such requests. */
export function peerPath({ path, messages_path: messagesPath }: Peer, ask: Ask): string | undefined {
  switch (ask) {
    case "chat":
    case "chat stream":
      return path;
    case "messages stream":
      return messagesPath;
    case "native stream":
      return undefined;
  }
}

/** The body of a request in the form that the peer takes. */
export function peerBody({ model, body: changes }: Peer, body: string, pace: Pace): string {
  const changed = { ...JSON.parse(body), model: model.replaceAll("{pace}", pace), ...changes };
  return JSON.stringify(
    Object.fromEntries(Object.entries(changed).filter(([name]) => changes[name] !== null)),
  );
}
