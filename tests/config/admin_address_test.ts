/** `adit reload` finds the admin address of a configuration that is invalid in any way. */

import { deepEqual, equal } from "node:assert/strict";
import { adminAddressOf } from "../../lib/config/admin_address.ts";
import { encodeUtf8 } from "../../lib/base/bytes.ts";

const PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
const PATH = "/etc/adit/adit.yaml";

const FILES: Readonly<Record<string, string>> = { "/etc/adit/cert.pem": PEM, "/tls/cert.pem": `${PEM}two\n` };

function addressOf(text: string) {
  return adminAddressOf(PATH, {
    env: { ADDRESS: "10.0.0.1:9443" },
    readFile: (path) => {
      const content = path === PATH ? text : FILES[path];
      return content === undefined
        ? Promise.reject(Object.assign(new Error("missing"), { code: "ENOENT" }))
        : Promise.resolve(encodeUtf8(content));
    },
  });
}

const INVALID = "models: 3\n";
const NOT_YAML = "models: [\n";
const TLS = "admin_tls: { certificate: cert.pem, key: key.pem }\n";
const ADDRESS = { hostname: "10.0.0.1", port: 9443 };

for (const rest of [INVALID, NOT_YAML]) {
  const what = rest === INVALID ? "a value is wrong" : "the file is not even YAML";

  Deno.test(`where ${what}, the address and its certificate are found`, async () => {
    const forms = [
      TLS,
      'admin_tls: { key: key.pem, certificate: "cert.pem" } # of the host\n',
      "admin_tls:\n  certificate: cert.pem # of the host\n  key: key.pem\n",
      "admin_tls: # of the host\n    # both\n    key: key.pem\n    certificate: 'cert.pem'\n",
    ];
    for (const tls of forms) {
      for (const admin of ["10.0.0.1:9443", '"10.0.0.1:9443" # here', "'10.0.0.1:9443'"]) {
        deepEqual(
          await addressOf(`admin: ${admin}\n${tls}${rest}`),
          { address: ADDRESS, hasTls: true, certificate: PEM },
          tls,
        );
      }
    }
    const other = await addressOf(`${rest}admin: 10.0.0.1:9443\nadmin_tls: { certificate: /tls/cert.pem }\n`);
    equal(other?.certificate, `${PEM}two\n`);
  });

  Deno.test(`where ${what}, an address without TLS has no certificate, and there may be none`, async () => {
    const tls = "tls: { certificate: cert.pem, key: key.pem }\n";
    const none = { hasTls: false, certificate: undefined };
    deepEqual(await addressOf(`${tls}admin: 10.0.0.1:9443\n${rest}`), { address: ADDRESS, ...none });
    deepEqual(await addressOf(rest), { address: { hostname: "127.0.0.1", port: 9090 }, ...none });
    deepEqual(await addressOf(`admin: off\n${rest}`), { address: undefined, ...none });
    equal(await addressOf(`admin: nowhere\n${rest}`), undefined);
  });

  Deno.test(`where ${what}, a certificate that cannot be read is unknown, not absent`, async () => {
    deepEqual(
      await addressOf(`admin: 10.0.0.1:9443\nadmin_tls: { certificate: gone.pem }\n${rest}`),
      { address: ADDRESS, hasTls: true, certificate: undefined },
    );
  });
}

Deno.test("where a value is wrong, references and PEM in the file itself are read as always", async () => {
  const pem = `admin_tls: { certificate: ${JSON.stringify(PEM)}, key: x }\n`;
  deepEqual(await addressOf(`admin: \${env:ADDRESS}\n${pem}${INVALID}`), {
    address: ADDRESS,
    hasTls: true,
    certificate: PEM,
  });
});

Deno.test("nothing is known about a file that cannot be read", async () => {
  equal(
    await adminAddressOf(PATH, { env: {}, readFile: () => Promise.reject(new Error("denied")) }),
    undefined,
  );
});
