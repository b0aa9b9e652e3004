/** The answer to a request: its text, its pieces as they arrived, and its headers. */

import { useState } from "preact/hooks";
import { textIn } from "../answer_text.ts";
import { count, duration, plural } from "../format.ts";
import { Badge, Choice, Facts, mono, Refusal, Section } from "../parts.tsx";
import { formatRoute } from "../route.ts";
import type { TimedPiece, TriedAnswer } from "./try_request.ts";

type Shown = "text" | "raw" | "headers";

const VIEWS: readonly (readonly [Shown, string])[] = [
  ["text", "Text"],
  ["raw", "Raw"],
  ["headers", "Headers"],
];

/** The answer so far, or a placeholder. */
export function Answer({ answer }: { readonly answer: TriedAnswer | undefined }) {
  const [shown, setShown] = useState<Shown>("text");
  if (answer === undefined) {
    return (
      <Section title="Answer">
        <p class="empty">
          The answer appears here: its text, each piece with its arrival time, and the headers.
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
    ? <p class="empty">The answer has no text. Select “Raw” to see all of it.</p>
    : <div class="lines" tabIndex={0} role="region" aria-label="Answer text">{text}</div>;
}

function Raw({ pieces, left }: { readonly pieces: readonly TimedPiece[]; readonly left: number }) {
  return (
    <div class="lines" tabIndex={0} role="region" aria-label="Answer pieces">
      {pieces.map(({ raw, atMs }, index) => (
        <div key={index} class="frame">
          <span>{duration(atMs)}</span>
          <span>{raw}</span>
        </div>
      ))}
      {left > 0 && <div>{`and ${count(left)} more (not kept)`}</div>}
    </div>
  );
}
