/** The file in which `adit reload` and `adit top` find the address of the running gateway. */

import { equal } from "node:assert/strict";
import { adminFileFor } from "../../../lib/cli/remote/find_admin.ts";

const FILES: readonly (readonly [what: string, file: string | undefined, config: string, folder: string])[] =
  [
    ["by the variable that systemd sets", "/run/two/admin", "/etc/adit/two.yaml", "/run/two"],
    ["by that variable for the service's own file, too", "/run/two/admin", "/etc/adit/adit.yaml", "/run/two"],
    ["in the first of several folders", "/run/one/admin", "/etc/adit/adit.yaml", "/run/one:/run/two"],
    ["in a shell, of the service", "/run/adit/admin", "/etc/adit/adit.yaml", ""],
    ["in a shell, of no other gateway", undefined, "/home/me/adit.yaml", ""],
  ];

for (const [what, file, config, folder] of FILES) {
  Deno.test(`the address is found ${what}`, () => {
    equal(adminFileFor(config, folder === "" ? {} : { RUNTIME_DIRECTORY: folder }), file);
  });
}
