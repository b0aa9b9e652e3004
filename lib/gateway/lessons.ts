/** What refusals by Bedrock reveal about a model, kept by model id and applied to every later request for it. */

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

/** What was learned about a model id beyond its rows in the data tables, as plain data. */
export interface ModelLessons {
  readonly modelId: string;
  /** Members that Bedrock refuses, by their names in the table of lessons, in the order of learning. */
  readonly members: readonly LessonName[];
  /** The traits to configure, in YAML: as a row for a file of `data.models`. */
  readonly row: string;
  /** The same as a value for `setting`, which overrides every row. */
  readonly traits: string;
  /** The key of the configuration for the model whose request was refused, such as `models.fast.traits`. */
  readonly setting: string;
  /** Bedrock's message, from the latest refusal that taught something. */
  readonly message: string;
  readonly learnedAt: string;
}

export interface LessonsOptions {
  readonly clock: Clock;
  /** Called when something was learned. */
  readonly onLearned: (lessons: ModelLessons) => void;
}

/** Maximum number of models; lessons about further models are forgotten at the end of the request. */
const MAX_MODELS = 512;

/** The lessons of one thread by model id, kept until the configuration is reloaded. */
export class Lessons {
  readonly #options: LessonsOptions;
  readonly #models = new Map<string, ModelLessons>();
  #generation = 0;

  constructor(options: LessonsOptions) {
    this.#options = options;
  }

  /** Increases whenever everything is forgotten. */
  get generation(): number {
    return this.#generation;
  }

  /** All lessons, in the order in which the models were first refused something. */
  list(): readonly ModelLessons[] {
    return [...this.#models.values()];
  }

  membersOf(settings: ModelTarget): readonly LessonName[] {
    if (this.#models.size === 0) return NONE;
    return this.#models.get(idOf(settings))?.members ?? NONE;
  }

  /** Keeps what a request of the current generation has learned, unless it is already known. */
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

  /** Adopts what another thread has learned with the same configuration. */
  adopt(lessons: ModelLessons): void {
    const known = this.#models.get(lessons.modelId)?.members ?? [];
    const members = [...new Set([...known, ...lessons.members])];
    if (members.length > known.length) this.#models.set(lessons.modelId, { ...lessons, members });
  }

  /** Forgets everything, as a new configuration may include it. */
  clear(): void {
    this.#models.clear();
    this.#generation++;
  }
}

const NONE: readonly LessonName[] = [];

interface Taught {
  readonly names: readonly LessonName[];
  /** Bedrock's message. */
  readonly message: string;
  readonly generation: number;
}

/** A request for a model, and its call. */
export interface Asking {
  readonly request: ModelRequest;
  readonly call: Call;
}

/** The lessons of one request: those that it learns from each target, and those known before. */
export class RequestLessons {
  readonly #request: ModelRequest;
  readonly #call: Call;
  readonly #lessons: Lessons;
  readonly #generation: number;
  /** At most one for each target, whether or not it helped. */
  #taught: Map<Target, Taught> | undefined;

  constructor({ request, call }: Asking, lessons: Lessons) {
    this.#request = request;
    this.#call = call;
    this.#lessons = lessons;
    this.#generation = lessons.generation;
  }

  /** The target with everything learned so far; unchanged for requests that pass the caller's bytes through. */
  apply(target: Target): Target {
    if (this.#request.translated === undefined || target.settings === undefined) return target;
    const known = this.#lessons.membersOf(target.settings);
    const taught = this.#taught?.get(target);
    return withLessons(target, taught === undefined ? known : [...known, ...taught.names]);
  }

  /**
   * Whether to ask the target again, without the member that it refused; at most once for each target. The lesson is
   * kept if the request without the member is answered, or refused only for another member.
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

  /** Whether a lesson would change the request and leave it valid. */
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
      // The request is invalid without the member, so Bedrock's refusal is the answer.
      return false;
    }
  }
}

/** The members that could be left out after this refusal, as alternatives. */
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

/** The id by which rows match the model, so that its inference profiles and configured models share their lessons. */
function idOf({ id, baseModel }: ModelTarget): string {
  return tableId(baseModel ?? id);
}
