/** Runtime suite: images are fetched with `node:https`, which must check and connect alike on every runtime. */

import assert from "node:assert/strict";
import { type ImageBounds, ImageError, imageFetcher } from "../../lib/providers/transport/images.ts";
import { type AnswerImage, type ImageHost, PNG, startImageHost } from "../fakes/image_host.ts";
import { fakeTime } from "../fakes/time.ts";
import type { Case } from "./case.ts";

const MIB = 1024 * 1024;

function bounds(overrides: Partial<ImageBounds> = {}): ImageBounds {
  return { budget: { left: 25 * MIB }, signal: new AbortController().signal, ...overrides };
}

const answerPng: AnswerImage = (_path, response) => response.end(PNG);

interface Tried {
  readonly answer?: AnswerImage;
  /** Addresses by name, in addition to those of `localhost`. */
  readonly names?: Readonly<Record<string, readonly string[]>>;
  readonly url: (host: ImageHost) => string;
  readonly bounds?: ImageBounds;
  readonly error: RegExp;
  /** Paths that the host was asked for on the way. */
  readonly requests?: readonly string[];
}

function refused(name: string, { answer = answerPng, names = {}, requests = [], ...tried }: Tried): Case {
  return {
    name,
    run: async () => {
      await using host = await startImageHost(answer);
      const time = fakeTime();
      const fetchImage = imageFetcher(time.timers, host.network(names));
      await assert.rejects(fetchImage(tried.url(host), tried.bounds ?? bounds()), (error) => {
        assert.ok(error instanceof ImageError, String(error));
        assert.match(error.message, tried.error);
        return true;
      });
      assert.deepEqual(host.requests, requests);
      assert.equal(time.timers.size, 0);
    },
  };
}

const redirectTo = (location: (host: string) => string): AnswerImage => (_path, response, request) => {
  response.writeHead(302, { location: location(request.headers.host ?? "") }).end();
};

const refusals: readonly Case[] = [
  refused("an image over http is refused", {
    url: () => "http://localhost/a.png",
    error: /only https URLs are fetched/,
  }),
  refused("an image at an address in place of a name is refused", {
    url: ({ port }) => `https://127.0.0.1:${port}/`,
    error: /not an address/,
  }),
  refused("an image at an address written as one number is refused", {
    url: ({ port }) => `https://2130706433:${port}/`,
    error: /not an address/,
  }),
  refused("an image at an IPv6 address is refused", {
    url: ({ port }) => `https://[::ffff:7f00:1]:${port}/`,
    error: /not an address/,
  }),
  refused("a URL with a user is refused", {
    url: ({ port }) => `https://a:b@localhost:${port}/`,
    error: /must not contain user info/,
  }),
  refused("a name with a private address is refused before a connection is made", {
    names: { "inside.test": ["10.0.0.1"] },
    url: ({ port }) => `https://inside.test:${port}/`,
    error: /the host has no public address/,
  }),
  refused("a name with one private address among others is refused", {
    names: { localhost: ["127.0.0.1", "169.254.169.254"] },
    url: ({ url }) => `${url}/`,
    error: /the host has no public address/,
  }),
  refused("a name that leads nowhere is refused in the same words", {
    url: ({ port }) => `https://nowhere.test:${port}/`,
    error: /the host has no public address/,
  }),
  refused("the connection is made to the address that was checked, whatever else the name means", {
    names: { localhost: ["127.0.0.2"] },
    url: ({ url }) => `${url}/`,
    error: /^the image cannot be fetched$/,
  }),
  refused("a certificate of another name is refused", {
    names: { "images.test": ["127.0.0.1"] },
    url: ({ port }) => `https://images.test:${port}/`,
    error: /^the image cannot be fetched$/,
  }),
  refused("a redirect to http is refused", {
    answer: redirectTo((host) => `http://${host}/b`),
    url: ({ url }) => `${url}/a`,
    error: /only https URLs are fetched/,
    requests: ["/a"],
  }),
  refused("a redirect to a private address is refused", {
    answer: redirectTo(() => "https://inside.test/"),
    names: { "inside.test": ["192.168.0.1"] },
    url: ({ url }) => `${url}/a`,
    error: /the host has no public address/,
    requests: ["/a"],
  }),
  refused("a fourth redirect is not followed", {
    answer: redirectTo(() => "/a"),
    url: ({ url }) => `${url}/a`,
    error: /more than 3 redirects/,
    requests: ["/a", "/a", "/a", "/a"],
  }),
  refused("an answer that is no success is refused", {
    answer: (_path, response) => response.writeHead(404).end("not here"),
    url: ({ url }) => `${url}/a`,
    error: /the host returned status 404/,
    requests: ["/a"],
  }),
  refused("an image above the limit is refused without being read to its end", {
    answer: (_path, response) => {
      const write = () => {
        while (!response.destroyed && response.write(new Uint8Array(64 * 1024)));
      };
      response.on("drain", write).on("error", () => {});
      write();
    },
    url: ({ url }) => `${url}/a`,
    error: /larger than 3932160 bytes/,
    requests: ["/a"],
  }),
  refused("images above what is left for them together are refused", {
    url: ({ url }) => `${url}/a`,
    bounds: bounds({ budget: { left: PNG.length - 1 } }),
    error: /all images together/,
    requests: ["/a"],
  }),
  refused("an answer that breaks off is refused", {
    answer: (_path, response) => {
      response.writeHead(200, { "content-length": "1000" });
      response.write(PNG, () => response.destroy());
    },
    url: ({ url }) => `${url}/a`,
    error: /^the image cannot be fetched$/,
    requests: ["/a"],
  }),
];

const stalled: AnswerImage = (path, response) => {
  if (path === "/body") response.writeHead(200).write(PNG);
};

export const imageCases: readonly Case[] = [
  ...refusals,
  {
    name: "an image is fetched with the host's name, from the next address where one does not answer",
    run: async () => {
      let hostHeader: string | undefined;
      await using host = await startImageHost((_path, response, request) => {
        hostHeader = request.headers.host;
        response.end(PNG);
      });
      const network = host.network({ localhost: ["127.0.0.2", "127.0.0.1"] });
      const budget = { left: MIB };
      const bytes = await imageFetcher(fakeTime().timers, network)(`${host.url}/a?b=c`, bounds({ budget }));
      assert.deepEqual(new Uint8Array(bytes), PNG);
      assert.deepEqual(host.requests, ["/a?b=c"]);
      assert.equal(hostHeader, `localhost:${host.port}`);
      assert.equal(budget.left, MIB - PNG.length);
    },
  },
  {
    name: "each step of a redirected image is looked up and checked once",
    run: async () => {
      await using host = await startImageHost((path, response) => {
        if (path === "/a") response.writeHead(301, { location: "b/c?d" }).end();
        else response.end(PNG);
      });
      const bytes = await imageFetcher(fakeTime().timers, host.network())(`${host.url}/a`, bounds());
      assert.equal(bytes.length, PNG.length);
      assert.deepEqual(host.requests, ["/a", "/b/c?d"]);
      assert.deepEqual(host.lookups, ["localhost", "localhost"]);
    },
  },
  ...["/head", "/body"].map((path): Case => ({
    name: `an image that stalls before its end is given up in time (${path})`,
    run: async () => {
      await using host = await startImageHost(stalled);
      const time = fakeTime();
      const fetched = imageFetcher(time.timers, host.network())(`${host.url}${path}`, bounds());
      await host.asked(path);
      time.advance(10_050);
      await assert.rejects(fetched, /took longer than 10 s/);
      assert.equal(time.timers.size, 0);
    },
  })),
  {
    name:
      "a name that is looked up for too long is given up, and so is an image that nobody waits for any more",
    run: async () => {
      const time = fakeTime();
      const never = { resolve: () => new Promise<never>(() => {}), isAllowed: () => true };
      const slow = imageFetcher(time.timers, never)("https://a.test/", bounds());
      time.advance(10_050);
      await assert.rejects(slow, /took longer than/);
      const aborter = new AbortController();
      const unwanted = imageFetcher(time.timers, never)(
        "https://a.test/",
        bounds({ signal: aborter.signal }),
      );
      const reason = new Error("nobody waits");
      aborter.abort(reason);
      await assert.rejects(unwanted, reason);
      await assert.rejects(
        imageFetcher(time.timers, never)("https://a.test/", bounds({ signal: aborter.signal })),
        reason,
      );
      assert.equal(time.timers.size, 0);
    },
  },
];
