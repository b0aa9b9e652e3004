/** Key pairs found by AWS's own code. It takes 20 ms to load, so `find_key_pair.ts` loads it on first use. */

import process from "node:process";
import {
  fromContainerMetadata,
  fromEnv,
  fromHttp,
  fromIni,
  fromInstanceMetadata,
  fromTemporaryCredentials,
  fromTokenFile,
} from "@aws-sdk/credential-providers";
import { Secret } from "../../base/secret.ts";
import type { KeyPair, RoleRequest, SearchOptions } from "./key_pair.ts";
import { clientConfig } from "./sdk_client.ts";
import { firstOf, named, NotSetUp } from "./steps.ts";

/** A key pair in the form of AWS's code. */
interface Identity {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

/**
 * AWS's code prints warnings to the terminal unless it has a logger; its errors contain what matters.
 */
const SILENT = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

/** Settings that make AWS's code read its files each time; otherwise it does not see changes. */
function search({ region, fetch }: SearchOptions, profile?: string) {
  const config = clientConfig(fetch);
  return {
    ignoreCache: true,
    logger: SILENT,
    clientConfig: config,
    parentClientConfig: { region, ...config, ...(profile !== undefined && { profile }) },
  } as const;
}

/**
 * The result of AWS's default credential chain, from the environment to the instance's role. Rejects with the reason of
 * each step if there is none. The steps, their order and their conditions are those of AWS's `defaultProvider`, without
 * the two that repeat a part of the profile.
 */
export async function searchDefaultChain(options: SearchOptions): Promise<KeyPair> {
  const settings = search(options);
  const { AWS_PROFILE: profile, AWS_EC2_METADATA_DISABLED: noInstance } = process.env;
  return toKeyPair(
    await firstOf<Identity>([
      { name: "environment", search: () => fromEnvironment(profile) },
      { name: `profile "${profile || "default"}"`, search: () => fromProfile(settings) },
      {
        name: "web identity",
        search: () => {
          requireVariables("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN");
          return fromTokenFile(settings)();
        },
      },
      hasContainer()
        ? { name: "container", search: () => fromContainer(settings) }
        : { name: "EC2 instance", search: () => fromInstance(settings, noInstance) },
    ]),
  );
}

function fromEnvironment(profile: string | undefined): Promise<Identity> {
  if (profile) throw new NotSetUp("not used, because AWS_PROFILE is set");
  requireVariables("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY");
  return fromEnv({ logger: SILENT })();
}

async function fromProfile(settings: SearchSettings): Promise<Identity> {
  try {
    return await fromIni(settings)();
  } catch (error) {
    const isAbsent = error instanceof Error &&
      error.message.startsWith("Could not resolve credentials using");
    throw isAbsent ? new NotSetUp("the shared files have no credentials for it") : error;
  }
}

function requireVariables(...names: readonly string[]): void {
  const missing = names.filter((name) => !process.env[name]);
  if (missing.length > 0) {
    throw new NotSetUp(`${missing.join(" and ")} ${missing.length === 1 ? "is" : "are"} not set`);
  }
}

function hasContainer(): boolean {
  const { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: relative, AWS_CONTAINER_CREDENTIALS_FULL_URI: full } =
    process.env;
  return Boolean(relative || full);
}

type SearchSettings = ReturnType<typeof search>;

/** The same endpoint by AWS's newer code, then by the older one, which accepts other hosts. */
async function fromContainer(settings: SearchSettings): Promise<Identity> {
  return await fromHttp(settings)().catch((newer) =>
    fromContainerMetadata(settings)().catch(() => {
      throw newer;
    })
  );
}

async function fromInstance(settings: SearchSettings, disabled: string | undefined): Promise<Identity> {
  if (disabled && disabled !== "false") {
    throw new NotSetUp("not used, because AWS_EC2_METADATA_DISABLED is set");
  }
  return await fromInstanceMetadata(settings)();
}

/**
 * The credentials of a profile in AWS's shared files: keys, a role, single sign-on. Rejects if there are none.
 */
export async function searchProfile(profile: string, options: SearchOptions): Promise<KeyPair> {
  const settings = { ...search(options, profile), profile };
  return toKeyPair(await named(`profile "${profile}"`, () => fromProfile(settings)));
}

/** A role's temporary keys from AWS STS, using the keys of `base`. Rejects with STS's error. */
export async function assumeRole(
  role: RoleRequest,
  base: KeyPair,
  { region, fetch }: SearchOptions,
): Promise<KeyPair> {
  const assume = fromTemporaryCredentials({
    logger: SILENT,
    masterCredentials: toIdentity(base),
    clientConfig: { ...clientConfig(fetch), region },
    params: {
      RoleArn: role.arn,
      RoleSessionName: role.sessionName,
      DurationSeconds: Math.round(role.durationMs / 1000),
      ...(role.externalId === undefined ? {} : { ExternalId: role.externalId }),
      Tags: Object.entries(role.tags).map(([Key, Value]) => ({ Key, Value })),
    },
  });
  return toKeyPair(await named("STS AssumeRole", () => assume()));
}

/** The characters that the configuration also allows in a key. */
const KEY_TEXT = /^[\x21-\x7e]+$/;

function toKeyPair({ accessKeyId, secretAccessKey, sessionToken, expiration }: Identity): KeyPair {
  // Deno 2.9.6 quotes a header with a line break in its error, which would reveal the token.
  const texts = [accessKeyId, secretAccessKey, ...(sessionToken ? [sessionToken] : [])];
  if (!texts.every((text) => KEY_TEXT.test(text))) {
    throw new Error("the credentials found contain an invalid character");
  }
  return {
    accessKeyId,
    secretAccessKey: new Secret(secretAccessKey),
    sessionToken: sessionToken === undefined || sessionToken === "" ? undefined : new Secret(sessionToken),
    expiresAtMs: expiration?.getTime(),
  };
}

function toIdentity({ accessKeyId, secretAccessKey, sessionToken }: KeyPair): Identity {
  return {
    accessKeyId,
    secretAccessKey: secretAccessKey.reveal(),
    ...(sessionToken === undefined ? {} : { sessionToken: sessionToken.reveal() }),
  };
}
