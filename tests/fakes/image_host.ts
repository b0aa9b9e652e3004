/** A host of images on the loopback interface, with its names. */

import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { ImageNetwork } from "../../lib/providers/transport/images.ts";
import { selfSignedCertificate } from "./certificate.ts";

export interface ImageHost extends AsyncDisposable {
  /** Such as `https://localhost:40123`, which matches the certificate. */
  readonly url: string;
  readonly port: number;
  /** A network with this host: `localhost` and the given names resolve, and 127.0.0.0/8 is public. */
  network(names?: Readonly<Record<string, readonly string[]>>): ImageNetwork;
  /** Paths that were requested. */
  readonly requests: readonly string[];
  /** Names that were looked up. */
  readonly lookups: readonly string[];
  /** Resolves when the path has been requested. */
  asked(path: string): Promise<void>;
}

export type AnswerImage = (path: string, response: ServerResponse, request: IncomingMessage) => void;

/** The smallest PNG: one pixel. */
export const PNG: Uint8Array<ArrayBuffer> = Uint8Array.from(
  atob(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  ),
  (character) => character.charCodeAt(0),
);

const { certificate, key } = selfSignedCertificate();

export async function startImageHost(answer: AnswerImage): Promise<ImageHost> {
  const requests: string[] = [];
  const lookups: string[] = [];
  let wake: (() => void)[] = [];
  const server = createServer({ cert: certificate, key }, (request, response) => {
    const path = request.url ?? "";
    requests.push(path);
    for (const each of wake) each();
    wake = [];
    answer(path, response, request);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://localhost:${port}`,
    port,
    requests,
    lookups,
    network: (names = {}) => ({
      resolve: (hostname) => {
        lookups.push(hostname);
        const addresses = { localhost: ["127.0.0.1"], ...names }[hostname];
        return addresses === undefined ? Promise.reject(new Error("ENOTFOUND")) : Promise.resolve(addresses);
      },
      isAllowed: (address) => address.startsWith("127."),
      authority: certificate,
    }),
    async asked(path) {
      while (!requests.includes(path)) await new Promise<void>((resolve) => wake.push(resolve));
    },
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
