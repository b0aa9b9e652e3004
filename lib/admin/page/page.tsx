/** The operator's page: the frame with tabs and banners, and the form that asks for the admin key. */

import { type ComponentType, render } from "preact";
import { useEffect, useId, useState } from "preact/hooks";
import type { ConfigurationView } from "../contract/contract.ts";
import { useClient, useData } from "./page_data.ts";
import { ago, duration, plural, timeZone } from "./format.ts";
import { formatRoute, type Route } from "./route.ts";
import { ConfigurationTab } from "./tabs/configuration_tab.tsx";
import { LimitsTab } from "./tabs/limits_tab.tsx";
import { LogTab } from "./tabs/log_tab.tsx";
import { ModelsTab } from "./tabs/models_tab.tsx";
import { NowTab } from "./tabs/now_tab.tsx";
import { RequestsTab } from "./tabs/requests_tab.tsx";
import { TryTab } from "./tabs/try_tab.tsx";
import { UsageTab } from "./tabs/usage_tab.tsx";
import { useRoute } from "./use_route.ts";

interface Tab {
  readonly id: string;
  readonly title: string;
  readonly Content: ComponentType<{ readonly route: Route }>;
}

const NOW: Tab = { id: "now", title: "Now", Content: NowTab };

/** In the order of the keys 1 to 8. */
const TABS: readonly Tab[] = [
  NOW,
  { id: "usage", title: "Usage", Content: UsageTab },
  { id: "requests", title: "Requests", Content: RequestsTab },
  { id: "limits", title: "Limits and budgets", Content: LimitsTab },
  { id: "models", title: "Models", Content: ModelsTab },
  { id: "configuration", title: "Configuration", Content: ConfigurationTab },
  { id: "try", title: "Try", Content: TryTab },
  { id: "log", title: "Log", Content: LogTab },
];

/** How often the frame checks whether the latest configuration is in use. */
const CONFIGURATION_MS = 5000;

function Page() {
  const { client, connection } = useClient();
  const route = useRoute();
  const tab = TABS.find(({ id }) => id === route.tab) ?? NOW;
  const configuration = useData<ConfigurationView>("admin/v1/configuration", { everyMs: CONFIGURATION_MS });

  useKeys();
  useEffect(() => {
    document.title = `${tab.title} · Adit`;
    document.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [tab]);

  const { Content } = tab;
  return (
    <>
      <header class="top">
        <span class="name">
          <img src="page/icon.svg" alt="" />Adit
        </span>
        <span class="who">
          {client.hasKey && connection.kind !== "locked" && (
            <button
              type="button"
              class="quiet"
              onClick={() => client.lock()}
            >
              Forget key
            </button>
          )}
        </span>
        <nav class="tabs" aria-label="Tabs">
          {TABS.map(({ id, title }) => (
            <a key={id} href={formatRoute(id)} aria-current={id === tab.id ? "page" : undefined}>{title}</a>
          ))}
        </nav>
      </header>
      {connection.kind === "lost" && <Lost sinceMs={connection.sinceMs} />}
      {/* The tab Configuration shows this itself. */}
      {connection.kind !== "locked" && tab.id !== "configuration" &&
        configuration.value?.is_latest === false && <Outdated configuration={configuration.value} />}
      <main class={connection.kind === "lost" ? "stale" : ""}>
        <h1 class="visually-hidden">{tab.title}</h1>
        {connection.kind === "locked"
          ? <Unlock isRefused={connection.refused} />
          : <Content key={tab.id} route={{ ...route, tab: tab.id }} />}
      </main>
      <footer class="foot">
        Times are in {timeZone()}. Shortcuts: <kbd>1</kbd>–<kbd>8</kbd> switch tabs, <kbd>/</kbd>{" "}
        focuses the search field, <kbd>Esc</kbd> closes the open panel.
      </footer>
    </>
  );
}

/** The banner while the gateway does not respond. */
function Lost({ sinceMs }: { readonly sinceMs: number }) {
  const [nowMs, setNowMs] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return (
    <div class="banner bad" role="alert">
      <strong>The gateway is not responding.</strong>
      <span>
        The data below is at least {duration(Math.max(0, nowMs - sinceMs))} old. Retrying…
      </span>
    </div>
  );
}

/** The banner while the last reload was rejected. */
function Outdated({ configuration: { reloads } }: { readonly configuration: ConfigurationView }) {
  const [last] = reloads;
  return (
    <div class="banner" role="status">
      <strong>The latest edit is not in use.</strong>
      <span>
        It was rejected{last === undefined
          ? ""
          : ` ${ago(last.at, Date.now())} because of ${plural(last.problems.length, "problem")}`}.
      </span>
      <a href={formatRoute("configuration")}>Show why</a>
    </div>
  );
}

/** Asks for the admin key, which only `Client` keeps. */
function Unlock({ isRefused }: { readonly isRefused: boolean }) {
  const { client } = useClient();
  const id = useId();
  const [key, setKey] = useState("");
  const submit = (event: Event) => {
    event.preventDefault();
    if (key.trim() !== "") client.unlock(key.trim());
  };
  return (
    <div class="unlock">
      <h1>Admin key</h1>
      <p>Enter the admin key to see this gateway's data.</p>
      <form onSubmit={submit}>
        <span class="field">
          <label for={id}>Key</label>
          <input
            id={id}
            type="password"
            autocomplete="off"
            autofocus
            value={key}
            aria-invalid={isRefused}
            onInput={(event) => setKey(event.currentTarget.value)}
          />
        </span>
        <button type="submit" class="main">Unlock</button>
      </form>
      {isRefused && <p class="refusal" role="alert">The gateway rejected this key.</p>}
      <p class="note">
        The key is kept in this page's memory only. Closing or reloading the page forgets it.
      </p>
    </div>
  );
}

/** Digits switch tabs, `/` focuses the search field, Escape closes the open panel. */
function useKeys(): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const isTyping = event.target instanceof HTMLElement &&
        event.target.matches("input, select, textarea");
      if (event.key === "Escape") {
        if (isTyping && event.target instanceof HTMLElement) return event.target.blur();
        return document.querySelector<HTMLElement>("[data-close]")?.click();
      }
      if (isTyping) return;
      const tab = /^[1-9]$/.test(event.key) ? TABS[Number(event.key) - 1] : undefined;
      if (tab !== undefined) location.hash = formatRoute(tab.id);
      const search = document.querySelector<HTMLElement>("[data-main]");
      if (event.key !== "/" || search === null) return;
      event.preventDefault();
      search.focus();
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);
}

const place = document.getElementById("page");
if (place !== null) render(<Page />, place);
