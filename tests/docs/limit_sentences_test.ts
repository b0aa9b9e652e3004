/** Every sentence of the documentation about a limit or a deadline has tests, which are named here. */

import { deepEqual, ok } from "node:assert/strict";
import { readRepositoryFile } from "../meta/sources.ts";

/** A sentence, where it is, and what tests it: files with parts of the tests' names. */
interface Row {
  readonly page: string;
  readonly sentence: string;
  readonly tests: readonly (readonly [file: string, name: string])[];
}

const LIMITS = "e2e/documented_limits_test.ts";
const STOPS = "a body that stops is a 408, whatever its length";

const ROWS: readonly Row[] = [
  {
    page: "configuration.md",
    sentence: "Maximum size of a request body; a larger one gets a 413.",
    tests: [[LIMITS, "a body of exactly the limit is accepted, and one byte more is a 413"]],
  },
  {
    page: "configuration.md",
    sentence:
      "The limit also applies to the decompressed size of a body with `Content-Encoding: gzip` or `zstd`, which all APIs except Bedrock's own accept.",
    tests: [
      ["endpoints/encoded_body_test.ts", "that becomes too large is refused as such"],
      ["endpoints/encoded_body_test.ts", "several members or frames are bounded together"],
    ],
  },
  {
    page: "configuration.md",
    sentence: "Maximum size of the request headers; larger ones get a 431.",
    tests: [[
      "e2e/bounds_test.ts",
      "limits on bodies, headers and JSON are answered in the dialect of the route",
    ]],
  },
  {
    page: "configuration.md",
    sentence: "Maximum nesting depth of a JSON body; a deeper one gets a 400.",
    tests: [[
      LIMITS,
      "limits.json_depth and limits.json_values: the limit itself is accepted, one more is a 400",
    ]],
  },
  {
    page: "configuration.md",
    sentence:
      "Maximum number of members and elements, at any depth, in a JSON body that Adit reads; more get a 400.",
    tests: [[
      LIMITS,
      "limits.json_depth and limits.json_values: the limit itself is accepted, one more is a 400",
    ]],
  },
  {
    page: "configuration.md",
    sentence: "Maximum number of in-flight requests; one more gets a 503.",
    tests: [["e2e/bounds_test.ts", "one request more than limits.concurrent is a 503 with retry-after"]],
  },
  {
    page: "configuration.md",
    sentence: "Maximum time to connect to Bedrock, directly or through a forward proxy",
    tests: [
      ["e2e/silence_test.ts", "a provider whose host drops connections is a 502 after the connect timeout"],
      ["e2e/networks_test.ts", "a proxy that does not respond ends the request after the connect timeout"],
      ["providers/transport/probe_test.ts", "a host behind a proxy is reachable if the proxy connects to it"],
    ],
  },
  {
    page: "configuration.md",
    sentence: "Maximum time from the request to the first byte of Bedrock's response.",
    tests: [
      ["e2e/silence_test.ts", "a provider that does not respond within first_byte or idle is a 504"],
      ["providers/transport/exchange_test.ts", "no response within the first-byte time is a timeout"],
    ],
  },
  {
    page: "configuration.md",
    sentence: "Maximum time without data from Bedrock within a response, or from a client within a request.",
    tests: [
      [LIMITS, STOPS],
      [LIMITS, "a response of Bedrock that stalls is a 504, whatever its length"],
      ["e2e/silence_test.ts", "a provider that pauses for longer than timeouts.idle causes an error event"],
      [
        "server/body_test.ts",
        "a long body of known length that keeps arriving may take longer than a silence",
      ],
      [
        "providers/transport/exchange_test.ts",
        "silence between two chunks longer than the idle time is a timeout",
      ],
    ],
  },
  {
    page: "configuration.md",
    sentence:
      "A request body of up to 1 MiB must arrive completely within this time plus one second per 8 KB",
    tests: [["server/body_test.ts", "that stops has the documented time, and no more than the request"]],
  },
  {
    page: "configuration.md",
    sentence: "a response of up to 64 KiB that is not a stream must arrive completely within this time.",
    tests: [
      ["providers/transport/exchange_test.ts", "a response of known length is read in one piece"],
    ],
  },
  {
    page: "configuration.md",
    sentence: "Maximum time for a request, from its arrival to the end of its response.",
    tests: [
      [LIMITS, STOPS],
      [LIMITS, "timeouts.total: a stream that never ends is ended with an error"],
      [
        "gateway/pipeline_test.ts",
        "a long answer that its client does not read stays in flight until the deadline",
      ],
      ["server/stream_test.ts", "a client that does not read until the deadline of the request is given up"],
    ],
  },
  {
    page: "configuration.md",
    sentence: "How long in-flight requests may take to finish at shutdown; `0s` ends them at once.",
    tests: [
      [
        "e2e/drain_test.ts",
        "streams that end within timeouts.drain complete, while new requests are refused",
      ],
      [
        "e2e/drain_test.ts",
        "requests that do not end within timeouts.drain get an error, and the exit code is 0",
      ],
      ["e2e/drain_test.ts", "with timeouts.drain 0s, in-flight requests end at once"],
    ],
  },
  {
    page: "configuration.md",
    sentence:
      "How long requests are still accepted at shutdown while `/-/ready` already answers 503, so that a load balancer notices",
    tests: [["e2e/drain_test.ts", "during timeouts.drain_delay requests are still accepted"]],
  },
  {
    page: "configuration.md",
    sentence: "Time without data after which a streaming client is sent a ping; `0s` disables pings.",
    tests: [
      ["e2e/silence_test.ts", "a silence is filled with comments until the provider continues"],
      ["server/stream_test.ts", "sends no pings"],
    ],
  },
  {
    page: "configuration.md",
    sentence: "YAML 1.2 in UTF-8, at most 1 MiB.",
    tests: [[
      "config/limits_of_files_test.ts",
      "a configuration of exactly 1 MiB is read, and one byte more is a problem",
    ]],
  },
  {
    page: "configuration.md",
    sentence: "is at most 1 MiB, and is never shown in a message.",
    tests: [["config/file/interpolate_test.ts", "larger than 1 MiB"]],
  },
  {
    page: "configuration.md",
    sentence: "at most 256 files, and an included file cannot include others.",
    tests: [["config/file/include_test.ts", "expected at most 256 files, found 257"]],
  },
  {
    page: "configuration.md",
    sentence: "and a time within five minutes of the host's clock.",
    tests: [["aws/sigv4/verify_test.ts", "the signing time may be five minutes off either way, and no more"]],
  },
  {
    page: "configuration.md",
    sentence: "`POST /-/reload` answers when they are found, or after five seconds.",
    tests: [["e2e/credentials_test.ts", "a reload responds while the search for credentials continues"]],
  },
  {
    page: "configuration.md",
    sentence: "when its size, time and content have not changed for 0.4 seconds, or for 1.4 seconds",
    tests: [
      [
        "config/file/still_test.ts",
        "a complete change is reported when nothing has changed for long enough",
      ],
      ["config/file/still_test.ts", "every change restarts the wait, even if the size stays the same"],
    ],
  },
  {
    page: "admin-api.md",
    sentence: "Bodies are JSON, at most 256 KiB.",
    tests: [["e2e/admin_api_test.ts", "a body of more than 256 KiB is a 413, however it is framed"]],
  },
  {
    page: "credentials.md",
    sentence:
      "Credentials that expire are renewed five minutes before, or at half of their lifetime if that is less",
    tests: [
      [
        "aws/keys/credential_refresher_test.ts",
        "a pair is renewed in the background five minutes before it expires",
      ],
      ["aws/keys/credential_refresher_test.ts", "a short-lived pair is renewed at half its lifetime"],
    ],
  },
  {
    page: "credentials.md",
    sentence: "A search is abandoned after 30 seconds.",
    tests: [[
      "aws/keys/credential_refresher_test.ts",
      "a hung search is abandoned after thirty seconds",
    ]],
  },
  {
    page: "operations.md",
    sentence:
      "Ignored within one second, because terminals and supervisors send it twice; later it ends everything at once.",
    tests: [["e2e/drain_test.ts", "a signal that is sent twice at once lets everything finish"]],
  },
  {
    page: "operations.md",
    sentence:
      "When three quarters of the descriptors that `LimitNOFILE` allows are in use, or all but 4096, new connections to `listen` are refused, with a warning in the log, until twice as many are free",
    tests: [
      [
        "server/descriptors_test.ts",
        "a quarter of the descriptors is kept, and twice as many must be free to go on",
      ],
      ["server/descriptors_test.ts", "what is kept has limits of its own"],
    ],
  },
  {
    page: "limits.md",
    sentence: "At most 64 requests wait for one limit.",
    tests: [["gateway/limits_wait_test.ts", "a line has 64 places: the next request is refused at once"]],
  },
  {
    page: "limits.md",
    sentence: "With `wait: 2s` a request over the limit waits for its turn, first come, first served",
    tests: [
      [
        "gateway/limits_wait_test.ts",
        "a request over the rate waits until it fits, first come, first served",
      ],
      ["gateway/limits_wait_test.ts", "a request that would wait too long is refused after the longest wait"],
    ],
  },
  {
    page: "failover.md",
    sentence:
      "for at most `commit_within`, 64 frames or 256 KiB, and only while another target could answer.",
    tests: [
      ["gateway/failover_test.ts", "a stream is held back no longer than commit_within"],
      ["gateway/failover_test.ts", "a stream is held back for no more than 64 frames or 256 KiB"],
    ],
  },
  {
    page: "failover.md",
    sentence: "All attempts share one deadline, `timeouts.total`.",
    tests: [
      ["gateway/call_test.ts", "one deadline covers the whole call, however many attempts it takes"],
      ["gateway/failover_test.ts", "a request past its deadline tries no further target"],
    ],
  },
  {
    page: "chat.md",
    sentence: "At most 3 redirects, each checked in the same way.",
    tests: [["runtime/image_cases.ts", "a fourth redirect is not followed"]],
  },
  {
    page: "chat.md",
    sentence: "At most 20 images in a request",
    tests: [["endpoints/images_test.ts", "a twenty-first image is refused before any is fetched"]],
  },
  {
    page: "cost.md",
    sentence: "Adit reads at most 64 such responses at the same time",
    tests: [["gateway/drain_test.ts", "64 responses are read at the same time and further ones aborted"]],
  },
  {
    page: "cost.md",
    sentence:
      "The limit is then exceeded by at most the last piece of each stream and the error of that estimate",
    tests: [
      ["gateway/overshoot_test.ts", "simulated streams"],
      ["gateway/cut_streams_test.ts", "that has used what is left ends with an error, and is counted"],
    ],
  },
  {
    page: "observability.md",
    sentence: "`now` and `log` are streams of events, for at most 16 viewers at a time.",
    tests: [["admin/views/viewers_test.ts", "viewers are bounded, and one that leaves makes room"]],
  },
  {
    page: "observability.md",
    sentence: "At most 2048 spans wait.",
    tests: [["telemetry/traces/exporter_test.ts", "more than two thousand spans that wait are too many"]],
  },
];

const squeezed = (text: string) => text.replaceAll(/\s+/g, " ");

for (const { page, sentence, tests } of ROWS) {
  Deno.test(`docs/${page} says, and tests check: ${sentence}`, () => {
    ok(squeezed(readRepositoryFile(`docs/${page}`)).includes(sentence), "the sentence is in the page");
    for (const [file, name] of tests) {
      ok(squeezed(readRepositoryFile(`tests/${file}`)).includes(name), `${file} has a test "${name}"`);
    }
  });
}

Deno.test("every key of limits and timeouts is in the table", () => {
  const text = squeezed(readRepositoryFile("docs/configuration.md"));
  const keys = text.matchAll(/- `((?:limits|timeouts)\.[a-z_]+)` \([^)]*\): (.*?)(?= - `| ### )/g);
  const missing = [...keys].filter(([, key, meaning = ""]) =>
    // What it fetches is bounded by chat.md.
    key !== "limits.fetch_images" && !ROWS.some(({ sentence }) => meaning.includes(sentence))
  );
  deepEqual(missing.map(([, key]) => key), []);
});
