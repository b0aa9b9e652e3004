/** Certificates that are made on demand, so that the repository contains no private key. */

import { Buffer } from "node:buffer";
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";

export interface Certificate {
  /** PEM texts. */
  readonly certificate: string;
  readonly key: string;
}

// The few ASN.1 types of an X.509 certificate (RFC 5280, section 4.1), in DER.
const der = (tag: number, ...parts: Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 0x80
    ? [length]
    : length < 0x100
    ? [0x81, length]
    : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
};
const sequence = (...parts: Uint8Array[]) => der(0x30, ...parts);
const integer = (value: number) => der(0x02, Buffer.from([value]));
const objectId = (hex: string) => der(0x06, Buffer.from(hex, "hex"));
const bitString = (bits: Uint8Array) => der(0x03, Buffer.from([0]), bits);
const utcTime = (text: string) => der(0x17, Buffer.from(text));

const ECDSA_WITH_SHA256 = sequence(objectId("2a8648ce3d040302"));
const COMMON_NAME = objectId("550403");
const SUBJECT_ALT_NAME = objectId("551d11");
const BASIC_CONSTRAINTS = objectId("551d13");
const TRUE = der(0x01, Buffer.from([0xff]));

const nameOf = (commonName: string) =>
  sequence(der(0x31, sequence(COMMON_NAME, der(0x0c, Buffer.from(commonName)))));
const octets = (content: Uint8Array) => der(0x04, content);

interface Content {
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly extensions: readonly Uint8Array[];
  /** Default: the certificate's own. */
  readonly issuerKey?: KeyObject;
}

/** A certificate that is valid until 2049, with its P-256 key. */
function certify(
  { issuer, subject, extensions, issuerKey }: Content,
): Certificate & { keyObject: KeyObject } {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const unsigned = sequence(
    der(0xa0, integer(2)),
    integer(1),
    ECDSA_WITH_SHA256,
    issuer,
    sequence(utcTime("200101000000Z"), utcTime("491231235959Z")),
    subject,
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(...extensions)),
  );
  const signature = sign("sha256", unsigned, issuerKey ?? privateKey);
  const signed = sequence(unsigned, ECDSA_WITH_SHA256, bitString(signature));
  const base64 = signed.toString("base64").replace(/.{64}/g, "$&\n").trimEnd();
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    keyObject: privateKey,
  };
}

/** The names `localhost`, `bedrock.test`, `sts.test` and 127.0.0.1. */
const LOCAL_NAMES = sequence(
  SUBJECT_ALT_NAME,
  octets(sequence(
    der(0x82, Buffer.from("localhost")),
    der(0x82, Buffer.from("bedrock.test")),
    der(0x82, Buffer.from("sts.test")),
    der(0x87, Buffer.from([127, 0, 0, 1])),
  )),
);

/** A certificate for `localhost` and 127.0.0.1, among others. */
export function selfSignedCertificate(): Certificate {
  const name = nameOf("localhost");
  return certify({ issuer: name, subject: name, extensions: [LOCAL_NAMES] });
}

let authorities = 0;

export interface Authority {
  /** PEM. */
  readonly certificate: string;
  /** A certificate of a server, for the same names. */
  readonly server: Certificate;
}

/** A private certificate authority and its certificates. */
export function certificateAuthority(): Authority {
  // These authorities differ only in their names.
  const issuer = nameOf(`Private authority ${++authorities}`);
  const isAuthority = sequence(BASIC_CONSTRAINTS, TRUE, octets(sequence(TRUE)));
  const authority = certify({ issuer, subject: issuer, extensions: [isAuthority] });
  const server = certify({
    issuer,
    subject: nameOf("localhost"),
    extensions: [LOCAL_NAMES],
    issuerKey: authority.keyObject,
  });
  return { certificate: authority.certificate, server };
}
