/** The models of the configuration: targets, health, prices, traits and lessons. */

import { messageOf } from "../../base/errors.ts";
import { priceOf } from "../../facts/price_book.ts";
import { priceOrigin, priceText } from "../../facts/price_text.ts";
import type { Model, ModelTarget } from "../../snapshot/snapshot.ts";
import type {
  CatalogDetailView,
  CatalogModelView,
  CatalogTargetView,
  CatalogView,
  TargetView,
} from "../contract/contract.ts";
import { matches, nextCursor, pageQuery, type ReadQuery, searchIn } from "./pages.ts";
import type { ViewSources } from "./view_sources.ts";

const PAGE = { byDefault: 100, max: 500 } as const;

/** A page of the models whose name, ids, providers or family match a search. */
export function catalogView(sources: ViewSources, read: ReadQuery): CatalogView {
  const search = searchIn(read);
  const page = pageQuery(read, PAGE);
  const found: Model[] = [];
  for (const model of sources.snapshot().models.values()) {
    if (search === "" || matches(search, textsOf(model))) found.push(model);
  }
  return {
    models: found.slice(page.offset, page.offset + page.limit).map((model) => modelView(model, sources)),
    total: found.length,
    next_cursor: nextCursor(page, found.length),
  };
}

/** One model in full; undefined for an unknown name. */
export async function catalogDetail(
  sources: ViewSources,
  name: string,
): Promise<CatalogDetailView | undefined> {
  const model = sources.snapshot().models.get(name);
  if (model === undefined) return undefined;
  const read = await sources.configuration.traits(name)
    .then((traits) => ({ traits, error: null }), (error) => ({ traits: [], error: messageOf(error) }));
  return {
    ...modelView(model, sources),
    details: model.targets.map((target, index) => ({
      target: target.name,
      traits: read.traits[index] ?? [],
      traits_error: read.error,
      lessons: sources.lessonsOf(target),
    })),
  };
}

function* textsOf({ name, targets }: Model): Generator<string> {
  yield name;
  for (const { name: target, id, provider, traits } of targets) {
    yield target;
    yield id;
    yield provider.name;
    yield traits.family;
  }
}

function modelView(model: Model, sources: ViewSources): CatalogModelView {
  const views = sources.targetsOf(model);
  return {
    name: model.name,
    pick: model.routing.pick,
    targets: model.targets.flatMap((target, index) => {
      const view = views[index];
      return view === undefined ? [] : [targetView(target, view, sources)];
    }),
  };
}

function targetView(target: ModelTarget, view: TargetView, sources: ViewSources): CatalogTargetView {
  const { id, baseModel, provider, traits, priority, weight, origin } = target;
  const { prices } = sources.snapshot();
  const found = priceOf({ id, baseModel, region: provider.region }, prices, sources.timers.clock.now());
  return {
    ...view,
    origin,
    priority,
    weight,
    family: traits.family,
    price: found === undefined ? null : `${found.isAssumed ? "assumed: " : ""}${priceText(found.row)}`,
    price_origin: found === undefined ? null : priceOrigin(found.row),
    lessons: sources.lessonsOf(target).flatMap(({ members }) => members),
  };
}
