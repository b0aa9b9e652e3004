/** Other gateways in the benchmark, listed in `ADIT_BENCH_PEERS`: how each is started, and how its requests differ. */

import { z } from "zod";
import type { Ask } from "./cells.ts";
import { modelOf, type Pace } from "./requests.ts";

const strings = z.record(z.string(), z.string());

const peerSchema = z.strictObject({
  name: z.string().min(1),
  /**
   * `{upstream}` is replaced by the URL of the canned Bedrock, `{upstream_host}` by its host and port, and `{port}` by
   * a port to listen on, because two of its processes run at the same time.
   */
  command: z.array(z.string()).min(1),
  /** The variables that the command needs, with the same placeholders. */
  env: strings.default({}),
  /** With `{port}`. */
  url: z.string().regex(/^http:\/\/[^/]*\{port\}/, "expected http://, a host and {port}")
    .transform((url) => url.replace(/\/$/, "")),
  /** The name of its model; `{pace}` is replaced by `even`, `burst` or `paced`. */
  model: z.string().min(1).default(modelOf("{pace}")),
  /** Path of its chat endpoint. */
  path: z.string().startsWith("/").default("/v1/chat/completions"),
  /** Path of its Messages endpoint, if it has one. */
  messages_path: z.string().startsWith("/").optional(),
  headers: strings.default({}),
  /** Members that replace those of each request's body; null removes one. */
  body: z.record(z.string(), z.json()).default({}),
});

export type Peer = z.output<typeof peerSchema>;

/** The peers in the text of a JSON list. Throws an `Error` with the path of each problem. */
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

/** The addresses of one process of a peer. */
export interface PeerPlace {
  readonly upstream: string;
  readonly port: number;
}

/** A setting with the placeholders replaced by the addresses of this process. */
export function placed(word: string, { upstream, port }: PeerPlace): string {
  return word.replaceAll("{upstream}", upstream).replaceAll("{upstream_host}", new URL(upstream).host)
    .replaceAll("{port}", String(port));
}

/** Path of the peer's endpoint for a request; undefined if it does not support such requests. */
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

/** The body of a request in the peer's form. */
export function peerBody({ model, body: changes }: Peer, body: string, pace: Pace): string {
  const changed = { ...JSON.parse(body), model: model.replaceAll("{pace}", pace), ...changes };
  return JSON.stringify(
    Object.fromEntries(Object.entries(changed).filter(([name]) => changes[name] !== null)),
  );
}
