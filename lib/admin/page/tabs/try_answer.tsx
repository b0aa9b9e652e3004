/** The answer to a request that was tried: its words, its pieces as they came, and its headers. */

import { useState } from "preact/hooks";
import { textIn } from "../answer_text.ts";
import { count, duration, plural } from "../format.ts";
import { Badge, Choice, Facts, mono, Refusal, Section } from "../parts.tsx";
import { formatRoute } from "../route.ts";
import type { TimedPiece, TriedAnswer } from "./try_request.ts";

type Shown = "text" | "raw" | "headers";

const VIEWS: readonly (readonly [Shown, string])[] = [
  ["text", "Text"],
  ["raw", "As it came"],
  ["headers", "Headers"],
];

/** What has come so far, or what will be here. */
export function Answer({ answer }: { readonly answer: TriedAnswer | undefined }) {
  const [shown, setShown] = useState<Shown>("text");
  if (answer === undefined) {
    return (
      <Section title="Answer">
        <p class="empty">
          The answer will be here: its text, each piece with the time it came, and its headers.
        </p>
      </Section>
    );
  }
  const { status, headers, isRunning, pieces, error, firstMs, totalMs, left } = answer;
  const id = headers.find(([name]) => name === "x-request-id")?.[1];
  return (
    <Section title="Answer">
      {error !== undefined && <Refusal>{error}</Refusal>}
      <p aria-live="polite">
        {status === undefined ? isRunning && <span class="note">Waiting for the first byte…</span> : (
          <>
            <Badge tone={status < 400 ? "good" : "bad"}>{status}</Badge>{" "}
            <span class="note">
              first byte after {duration(firstMs)}, {isRunning ? "running for" : "complete after"}{" "}
              {duration(totalMs)}, {plural(pieces.length + left, "piece")}{" "}
              {id !== undefined && <a href={formatRoute("requests", { id })}>Show this request</a>}
            </span>
          </>
        )}
      </p>
      {status !== undefined && (
        <>
          <p>
            <Choice label="Show" value={shown} options={VIEWS} onChoose={setShown} />
          </p>
          {shown === "text" && <Text pieces={pieces} />}
          {shown === "raw" && <Raw pieces={pieces} left={left} />}
          {shown === "headers" && <Facts facts={headers.map(([name, value]) => [name, mono(value)])} />}
        </>
      )}
    </Section>
  );
}

function Text({ pieces }: { readonly pieces: readonly TimedPiece[] }) {
  const text = pieces.map(({ event, data }) => textIn(event, data)).join("");
  return text === ""
    ? <p class="empty">There is no text in the answer; “As it came” shows all of it.</p>
    : <div class="lines" tabIndex={0} role="region" aria-label="Text of the answer">{text}</div>;
}

function Raw({ pieces, left }: { readonly pieces: readonly TimedPiece[]; readonly left: number }) {
  return (
    <div class="lines" tabIndex={0} role="region" aria-label="Pieces of the answer">
      {pieces.map(({ raw, atMs }, index) => (
        <div key={index} class="frame">
          <span>{duration(atMs)}</span>
          <span>{raw}</span>
        </div>
      ))}
      {left > 0 && <div>{`and ${count(left)} more, which are not kept`}</div>}
    </div>
  );
}
