/**
 * Fetches images that requests refer to: over https, only from hosts with public addresses, and with limits.
 */

import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { concat } from "../../base/bytes.ts";
import type { TimerWheel } from "../../base/clock.ts";
import { unbracketed } from "../../base/host.ts";
import { isPublicAddress } from "./public_address.ts";

/** Network access. */
export interface ImageNetwork {
  /** All addresses of a host; rejects if there are none. */
  readonly resolve: (hostname: string) => Promise<readonly string[]>;
  readonly isAllowed: (address: string) => boolean;
  /** PEM of the certificate authority to trust instead of the runtime's. */
  readonly authority?: string;
}

export const PUBLIC_INTERNET: ImageNetwork = {
  resolve: async (hostname) => {
    const { lookup } = await import("node:dns/promises");
    return (await lookup(hostname, { all: true })).map(({ address }) => address);
  },
  isAllowed: isPublicAddress,
};

/**
 * Why an image was not fetched, as a message for the caller; it reveals nothing about the network behind the URL.
 */
export class ImageError extends Error {
  override readonly name = "ImageError";
}

export interface ImageBounds {
  /** Bytes that may still be read; shared by the images of one request. */
  readonly budget: { left: number };
  readonly signal: AbortSignal;
}

/** The bytes of an https URL. Throws an `ImageError`, or the reason of an aborted signal. */
export type FetchImage = (url: string, bounds: ImageBounds) => Promise<Uint8Array<ArrayBuffer>>;

/**
 * The largest image that Converse accepts,
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Message.html
 */
const MAX_IMAGE_BYTES = 3_932_160;
/** For one image, including redirects. */
const WITHIN_MS = 10_000;
const MAX_REDIRECTS = 3;
const REDIRECTS: ReadonlySet<number | undefined> = new Set([301, 302, 303, 307, 308]);

/** Fetches over this network, each image within 10 s and 3,932,160 bytes, and within the budget of its request. */
export function imageFetcher(timers: TimerWheel, network: ImageNetwork): FetchImage {
  return async (url, { budget, signal }) => {
    const aborter = new AbortController();
    const abort = () => aborter.abort(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
    const late = new ImageError(`fetching the image took longer than ${WITHIN_MS / 1000} s`);
    const deadline = timers.after(WITHIN_MS, () => aborter.abort(late));
    try {
      return await follow(url, { network, budget, signal: aborter.signal });
    } catch (cause) {
      if (aborter.signal.aborted) throw aborter.signal.reason;
      throw cause instanceof ImageError ? cause : new ImageError("the image cannot be fetched", { cause });
    } finally {
      deadline.cancel();
      signal.removeEventListener("abort", abort);
    }
  };
}

interface FetchContext extends ImageBounds {
  readonly network: ImageNetwork;
}

async function follow(url: string, context: FetchContext): Promise<Uint8Array<ArrayBuffer>> {
  let target = parseTarget(url);
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const response = await request(target, context);
    const { location } = response.headers;
    if (!REDIRECTS.has(response.statusCode) || location === undefined) {
      return await readImage(response, context);
    }
    response.destroy();
    target = parseTarget(location, target);
  }
  throw new ImageError(`more than ${MAX_REDIRECTS} redirects`);
}

function parseTarget(text: string, base?: URL): URL {
  const url = URL.parse(text, base);
  if (url?.protocol !== "https:") throw new ImageError("only https URLs are fetched");
  if (url.username !== "" || url.password !== "") throw new ImageError("the URL must not contain user info");
  // A certificate for a bare address cannot be verified meaningfully, and images are not published that way.
  if (isIP(unbracketed(url.hostname)) !== 0) {
    throw new ImageError("the URL must have a host name, not an address");
  }
  return url;
}

/**
 * Requests the image from an address that was checked: the connection is made to the address itself, so that a second
 * look-up cannot lead elsewhere, and the certificate must still match the name.
 */
async function request(url: URL, { network, signal }: FetchContext): Promise<IncomingMessage> {
  const addresses = await orAborted(resolvePublic(url.hostname, network), signal);
  let failure: unknown;
  for (const address of addresses) {
    try {
      return await requestFrom(address, url, { network, signal });
    } catch (error) {
      if (signal.aborted) throw error;
      failure = error;
    }
  }
  throw failure;
}

/** One forbidden address among several rejects the host. */
async function resolvePublic(hostname: string, network: ImageNetwork): Promise<readonly string[]> {
  const addresses = await network.resolve(hostname).catch(() => []);
  // The same message for both, which does not reveal how names resolve in the operator's network.
  if (addresses.length === 0 || !addresses.every(network.isAllowed)) {
    throw new ImageError("the host has no public address");
  }
  return addresses;
}

async function requestFrom(
  address: string,
  url: URL,
  { network, signal }: Pick<FetchContext, "network" | "signal">,
): Promise<IncomingMessage> {
  // Loaded for the first image, because no other module of the runtime takes as long.
  const { get } = await import("node:https");
  return await new Promise((resolve, reject) => {
    get({
      hostname: address,
      port: url.port === "" ? 443 : Number(url.port),
      path: url.pathname + url.search,
      servername: url.hostname,
      headers: { host: url.host, accept: "image/*", "accept-encoding": "identity", "user-agent": "adit" },
      agent: false,
      signal,
      ...(network.authority === undefined ? {} : { ca: network.authority }),
      // Stays attached: aborting after the response has begun raises an error here, too.
    }, resolve).on("error", reject);
  });
}

async function readImage(
  response: IncomingMessage,
  { budget }: ImageBounds,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let total = 0;
  try {
    if (response.statusCode !== 200) {
      throw new ImageError(`the host returned status ${response.statusCode}`);
    }
    for await (const chunk of response) {
      total += chunk.length;
      budget.left -= chunk.length;
      if (total > MAX_IMAGE_BYTES) throw new ImageError(`the image is larger than ${MAX_IMAGE_BYTES} bytes`);
      if (budget.left < 0) throw new ImageError("all images together exceed the maximum request size");
      chunks.push(chunk);
    }
  } finally {
    response.destroy();
  }
  return concat(chunks, total);
}

/** The promise's result, or the signal's reason if it aborts first. */
function orAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
