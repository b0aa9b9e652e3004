/** What refusals by Bedrock have taught about models: kept for each model id, and applied to every later request for it. */

import type { Clock } from "../base/clock.ts";
import type { AditError } from "../base/errors.ts";
import { formatPath } from "../base/problems.ts";
import { type LessonName, lessonTraits } from "../facts/optional_members.ts";
import { tableId } from "../facts/model_table.ts";
import { isNoCaching, lessonsOf } from "../facts/refusal_words.ts";
import { flowYaml, writtenTraits } from "../facts/written_traits.ts";
import type { Target } from "../snapshot/plan.ts";
import type { ModelTarget } from "../snapshot/snapshot.ts";
import type { Call } from "./call.ts";
import type { Attempt, ModelRequest } from "./endpoint.ts";

/** What is known about one model id that its rows do not say, as plain data. */
export interface ModelLessons {
  readonly modelId: string;
  /** Members that Bedrock refuses, by their names in the table of lessons, in the order in which they were learned. */
  readonly members: readonly LessonName[];
  /** The traits to write, in YAML: as a row of a file of `data.models`. */
  readonly row: string;
  /** The same as the value of `setting`, which overrides every row. */
  readonly traits: string;
  /** The key of the configuration for the model whose request was refused: `models.fast.traits`. */
  readonly setting: string;
  /** Bedrock's words, the last that taught something. */
  readonly message: string;
  readonly learnedAt: string;
}

export interface LessonsOptions {
  readonly clock: Clock;
  /** Called when something was learned. */
  readonly onLearned: (lessons: ModelLessons) => void;
}

/** Models about which something is kept; whatever is learned about more is forgotten with the request. */
const MAX_MODELS = 512;

/** The lessons of this process, by model id, until the configuration is loaded again. */
export class Lessons {
  readonly #options: LessonsOptions;
  readonly #models = new Map<string, ModelLessons>();
  #generation = 0;

  constructor(options: LessonsOptions) {
    this.#options = options;
  }

  /** Changes when everything is forgotten. */
  get generation(): number {
    return this.#generation;
  }

  /** In the order in which models were refused something first. */
  list(): readonly ModelLessons[] {
    return [...this.#models.values()];
  }

  membersOf(settings: ModelTarget): readonly LessonName[] {
    if (this.#models.size === 0) return NONE;
    return this.#models.get(idOf(settings))?.members ?? NONE;
  }

  /** Keeps what a request of the current generation has learned, unless it is known. */
  keep(settings: ModelTarget, { names, message, generation }: Taught): void {
    const modelId = idOf(settings);
    const known = this.#models.get(modelId)?.members ?? [];
    const members = [...new Set([...known, ...names])];
    if (generation !== this.#generation || members.length === known.length) return;
    if (known.length === 0 && this.#models.size >= MAX_MODELS) return;
    const traits = writtenTraits(lessonTraits(members, settings.traits));
    const lessons = {
      modelId,
      members,
      row: `- ${flowYaml({ match: modelId, ...traits })}`,
      traits: flowYaml(traits),
      setting: formatPath([...settings.path, "traits"]),
      message,
      learnedAt: new Date(this.#options.clock.now()).toISOString(),
    };
    this.#models.set(modelId, lessons);
    this.#options.onLearned(lessons);
  }

  /** Takes over what another thread has learned with the same configuration. */
  adopt(lessons: ModelLessons): void {
    const known = this.#models.get(lessons.modelId)?.members ?? [];
    const members = [...new Set([...known, ...lessons.members])];
    if (members.length > known.length) this.#models.set(lessons.modelId, { ...lessons, members });
  }

  /** Forgets everything: the configuration may say it now. */
  clear(): void {
    this.#models.clear();
    this.#generation++;
  }
}

const NONE: readonly LessonName[] = [];

interface Taught {
  readonly names: readonly LessonName[];
  /** Bedrock's words. */
  readonly message: string;
  readonly generation: number;
}

/** A request for a model, and its call. */
export interface Asking {
  readonly request: ModelRequest;
  readonly call: Call;
}

/** The lessons of one request: what it learns at each target, and what was known before. */
export class RequestLessons {
  readonly #request: ModelRequest;
  readonly #call: Call;
  readonly #lessons: Lessons;
  readonly #generation: number;
  /** At most one for each target, whether it helped or not. */
  #taught: Map<Target, Taught> | undefined;

  constructor({ request, call }: Asking, lessons: Lessons) {
    this.#request = request;
    this.#call = call;
    this.#lessons = lessons;
    this.#generation = lessons.generation;
  }

  /** The target with the traits that are known by now. Requests whose bytes are the caller's own do not use them. */
  apply(target: Target): Target {
    if (this.#request.translated === undefined || target.settings === undefined) return target;
    const known = this.#lessons.membersOf(target.settings);
    const taught = this.#taught?.get(target);
    return withLessons(target, taught === undefined ? known : [...known, ...taught.names]);
  }

  /**
   * Whether the target is to be asked again, without the member that it refused. That happens once for each target. The
   * lesson is kept when the request without the member is answered, or is refused for another member only.
   */
  teaches(target: Target, attempt: Attempt): boolean {
    if (attempt.refused === undefined && this.#taught === undefined) return false;
    return this.#teaches(target, attempt);
  }

  #teaches(target: Target, attempt: Attempt): boolean {
    const { settings } = target;
    const { translated } = this.#request;
    if (settings === undefined || translated === undefined) return false;
    const alternatives = attempt.refused === undefined ? [] : lessonsIn(attempt.refused);
    const taught = this.#taught?.get(target);
    if (taught !== undefined) {
      const isOther = alternatives.some((names) => names.some((name) => !taught.names.includes(name)));
      if (attempt.refused === undefined || isOther) this.#lessons.keep(settings, taught);
      return false;
    }
    const current = this.apply(target);
    const names = alternatives.find((each) => this.#changes(current, each, translated));
    if (names === undefined || this.#call.remainingMs === 0) return false;
    const message = attempt.refused?.details.upstream?.message ?? "";
    this.#taught ??= new Map();
    this.#taught.set(target, { names, message, generation: this.#generation });
    return true;
  }

  /** Whether the request would be sent otherwise, and still makes sense. */
  #changes(
    current: Target,
    names: readonly LessonName[],
    translated: NonNullable<ModelRequest["translated"]>,
  ): boolean {
    try {
      const sent = translated(current, this.#call).request;
      return JSON.stringify(translated(withLessons(current, names), this.#call).request) !==
        JSON.stringify(sent);
    } catch {
      // Without the member the request would make no sense: what Bedrock said about it is the answer.
      return false;
    }
  }
}

/** What the refusal says may be left out, as alternatives. */
function lessonsIn({ kind, details: { upstream } }: AditError): readonly (readonly LessonName[])[] {
  const { status, type, message = "" } = upstream ?? {};
  const words = { status, type, message };
  return kind === "invalid_request" || isNoCaching(words) ? lessonsOf(words) : [];
}

function withLessons(target: Target, names: readonly LessonName[]): Target {
  const { settings } = target;
  if (settings === undefined || names.length === 0) return target;
  const { traits } = settings;
  return { ...target, settings: { ...settings, traits: { ...traits, ...lessonTraits(names, traits) } } };
}

/** The id by which rows match the model, so that its profiles and all models of the configuration share what is learned. */
function idOf({ id, baseModel }: ModelTarget): string {
  return tableId(baseModel ?? id);
}
