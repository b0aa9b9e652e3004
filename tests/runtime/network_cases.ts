/** Runtime suite: requests in a network with a proxy or certificate authorities of its own. */

import assert from "node:assert/strict";
import { Secret } from "../../lib/base/secret.ts";
import type { Network, NetworkSettings, Runtime } from "../../lib/runtime/runtime.ts";
import { type Certificate, certificateAuthority } from "../fakes/certificate.ts";
import { startFakeProxy } from "../fakes/proxy.ts";
import { type Case, listen } from "./case.ts";

const AUTHORITY = certificateAuthority();
const OTHER = certificateAuthority();

function open(runtime: Runtime, { proxy, authorities }: { proxy?: string; authorities?: string }): Network {
  const settings: NetworkSettings = {
    proxy: proxy === undefined ? undefined : new Secret(proxy),
    authorities,
  };
  return runtime.openNetwork(settings);
}

async function textOf({ fetch }: Pick<Network, "fetch">, url: string): Promise<string> {
  const signal = new AbortController().signal;
  return await (await fetch(url, { method: "GET", headers: new Headers(), signal })).text();
}

function serveHello(runtime: Runtime, tls: Certificate = AUTHORITY.server) {
  return listen(runtime, () => Promise.resolve(new Response("hello")), { tls });
}

export const networkCases: readonly Case[] = [
  {
    name: "a certificate of a private authority is accepted only in its network",
    run: async (runtime) => {
      await using server = serveHello(runtime);
      assert.equal(await textOf(open(runtime, { authorities: AUTHORITY.certificate }), server.url), "hello");
      await assert.rejects(textOf(open(runtime, { authorities: OTHER.certificate }), server.url));
      await assert.rejects(textOf(runtime, server.url));
    },
  },
  {
    name: "each of several authorities in one PEM is trusted",
    run: async (runtime) => {
      await using server = serveHello(runtime);
      const authorities = OTHER.certificate + AUTHORITY.certificate;
      assert.equal(await textOf(open(runtime, { authorities }), server.url), "hello");
    },
  },
  {
    name: "https requests pass through a tunnel of the proxy, with its user and password",
    run: async (runtime) => {
      await using server = serveHello(runtime);
      await using proxy = await startFakeProxy({ to: Number(new URL(server.url).port) });
      const network = open(runtime, {
        proxy: `http://user:p%40ss@127.0.0.1:${proxy.port}`,
        authorities: AUTHORITY.certificate,
      });
      assert.equal(await textOf(network, "https://bedrock.test/"), "hello");
      assert.deepEqual(proxy.asked, [`CONNECT bedrock.test:443 Basic ${btoa("user:p@ss")}`]);
    },
  },
  {
    name: "a connection through the proxy is used again",
    run: async (runtime) => {
      await using server = serveHello(runtime);
      await using proxy = await startFakeProxy({ to: Number(new URL(server.url).port) });
      const network = open(runtime, {
        proxy: `http://127.0.0.1:${proxy.port}`,
        authorities: AUTHORITY.certificate,
      });
      for (let round = 0; round < 3; round++) await textOf(network, "https://bedrock.test/");
      assert.deepEqual(proxy.asked, ["CONNECT bedrock.test:443"]);
    },
  },
  {
    name: "a proxy is reached over TLS with a certificate of the network's authority",
    run: async (runtime) => {
      await using server = serveHello(runtime);
      const to = Number(new URL(server.url).port);
      await using proxy = await startFakeProxy({ to, tls: AUTHORITY.server });
      const url = `https://user:secret@localhost:${proxy.port}`;
      const network = open(runtime, { proxy: url, authorities: AUTHORITY.certificate });
      assert.equal(await textOf(network, "https://bedrock.test/"), "hello");
      assert.deepEqual(proxy.asked, [`CONNECT bedrock.test:443 Basic ${btoa("user:secret")}`]);
    },
  },
  {
    name: "http requests are sent to the proxy itself",
    run: async (runtime) => {
      await using proxy = await startFakeProxy({ to: 0 });
      const network = open(runtime, { proxy: `http://127.0.0.1:${proxy.port}` });
      assert.equal(await textOf(network, "http://bedrock.test/model"), "by the proxy");
      assert.deepEqual(proxy.asked, ["GET http://bedrock.test/model"]);
    },
  },
  {
    name: "the error about a proxy that does not answer does not contain its password",
    run: async (runtime) => {
      const network = open(runtime, { proxy: "http://user:hunter2@127.0.0.1:1" });
      await assert.rejects(textOf(network, "https://bedrock.test/"), (error: Error) => {
        assert.doesNotMatch(`${error.stack} ${String(error.cause)}`, /hunter2/);
        return true;
      });
    },
  },
  {
    name: "a closed network opens again",
    run: async (runtime) => {
      await using server = serveHello(runtime);
      const network = open(runtime, { authorities: AUTHORITY.certificate });
      const signal = new AbortController().signal;
      const running = await network.fetch(server.url, { method: "GET", headers: new Headers(), signal });
      network.close();
      assert.equal(await running.text(), "hello");
      assert.equal(await textOf(network, server.url), "hello");
      network.close();
    },
  },
];
