/** Sends a request to the gateway as a caller: the form, the answer piece by piece, and the equivalent command. */

import { useEffect, useId, useState } from "preact/hooks";
import type { CatalogView, TryView } from "../../contract/contract.ts";
import { useData, withQuery } from "../page_data.ts";
import { count } from "../format.ts";
import { Choice, Field, Ready, Section, Select } from "../parts.tsx";
import { go, type Route } from "../route.ts";
import { Answer } from "./try_answer.tsx";
import { curlFor, type Sent, useTry } from "./try_request.ts";

const SUGGESTIONS = 50;
const MODES = [["whole", "Complete"], ["stream", "Stream"]] as const;

/** The tab *Try*. */
export function TryTab({ route }: { readonly route: Route }) {
  const { settings } = route;
  const first = useData<CatalogView>(
    withQuery("admin/v1/catalog", { search: settings["model"], limit: SUGGESTIONS }),
  );
  const names = first.value?.models.map(({ name }) => name) ?? [];
  const model = settings["model"] ?? names[0];
  const data = useData<TryView>(model === undefined ? undefined : withQuery("admin/v1/try", { model }));
  if (first.value !== undefined && model === undefined) {
    return <p class="empty">The configuration has no models.</p>;
  }
  return (
    <>
      <p class="lead">
        Send a request through the gateway with a caller key. It is authenticated, limited, billed and logged
        like any other request.
      </p>
      <Ready data={data}>
        {(view) => <Form key={model} view={view} model={model ?? ""} names={names} route={route} />}
      </Ready>
    </>
  );
}

interface FormProps {
  readonly view: TryView;
  readonly model: string;
  readonly names: readonly string[];
  readonly route: Route;
}

function Form({ view: { forms, addresses, max_body_bytes: maxBytes }, model, names, route }: FormProps) {
  const { settings } = route;
  const form = forms.find(({ name }) => name === settings["form"]) ?? forms[0];
  const canStream = form !== undefined && form.stream_body !== null;
  const isStream = canStream && settings["mode"] === "stream";
  const initial = JSON.stringify((isStream ? form?.stream_body : form?.body) ?? {}, null, 2);
  const [body, setBody] = useState(initial);
  const [key, setKey] = useState(lastKey);
  const { answer, send, stop } = useTry();
  const id = useId();

  useEffect(() => setBody(initial), [initial]);
  useEffect(() => {
    lastKey = key;
  }, [key]);

  if (form === undefined) {
    return <p class="empty">This page has no form for the APIs of this model.</p>;
  }
  const path = isStream ? form.stream_path ?? form.path : form.path;
  const parsed = parse(body);
  const problem = problemOf({ key, parsed, bytes: new TextEncoder().encode(body).length, maxBytes });
  const request: Sent = { path, body };
  const isRunning = answer?.isRunning === true;
  const submit = (event: Event) => {
    event.preventDefault();
    if (problem === undefined && !isRunning) void send({ path, key: key.trim(), body: parsed });
  };
  return (
    <div class="try">
      <form onSubmit={submit} aria-label="Request">
        <div class="bar-top">
          <Field
            label="Model"
            value={model}
            suggestions={names}
            isMain
            onChange={(next) => go(route, { model: next })}
          />
          <Select
            label="API"
            value={form.name}
            options={forms.map(({ name }) => [name, name])}
            onChoose={(next) => go(route, { form: next })}
          />
          {canStream && (
            <span class="field">
              <span class="label">Answer</span>
              <Choice
                label="Answer"
                value={isStream ? "stream" : "whole"}
                options={MODES}
                onChoose={(next) => go(route, { mode: next })}
              />
            </span>
          )}
        </div>
        <div class="block">
          <label class="label" for={id}>
            POST <span class="mono">{path}</span>
          </label>
          <textarea
            id={id}
            rows={14}
            spellcheck={false}
            value={body}
            aria-invalid={parsed === undefined}
            onInput={(event) => setBody(event.currentTarget.value)}
          />
        </div>
        <div class="bar-top">
          <Field label="Caller key" type="password" value={key} onChange={setKey} />
          {isRunning
            ? <button type="button" onClick={stop}>Stop</button>
            : <button type="submit" class="main" disabled={problem !== undefined}>Send</button>}
          <span class="note">{problem ?? "The key stays in this page. Closing the page forgets it."}</span>
        </div>
        <Section title="Equivalent command">
          <Command text={curlFor(addresses[0] ?? "", request)} />
        </Section>
      </form>
      <Answer answer={answer} />
    </div>
  );
}

/** The last key typed, so that it survives a switch to another tab; never stored. */
let lastKey = "";

interface Checked {
  readonly key: string;
  readonly parsed: unknown;
  readonly bytes: number;
  readonly maxBytes: number;
}

function problemOf({ key, parsed, bytes, maxBytes }: Checked): string | undefined {
  if (parsed === undefined) return "The body is not valid JSON.";
  if (bytes > maxBytes) return `The body is larger than ${count(maxBytes)} bytes.`;
  return key.trim() === "" ? "Enter a caller key." : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function Command({ text }: { readonly text: string }) {
  const [isCopied, setCopied] = useState(false);
  useEffect(() => setCopied(false), [text]);
  const copy = () => navigator.clipboard.writeText(text).then(() => setCopied(true), () => setCopied(false));
  return (
    <>
      <pre class="lines" tabIndex={0} aria-label="Command">{text}</pre>
      {isSecureContext && (
        <button type="button" class="quiet" onClick={() => void copy()}>
          {isCopied ? "Copied" : "Copy"}
        </button>
      )}
    </>
  );
}
