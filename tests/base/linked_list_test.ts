/** The linked list: order, removal at every position, and that what was removed refers to nothing. */

import { deepEqual, equal } from "node:assert/strict";
import { type Linked, LinkedList } from "../../lib/base/linked_list.ts";

class Item implements Linked<Item> {
  previous: Item | undefined;
  next: Item | undefined;

  constructor(readonly name: string) {}
}

function listOf(names: string): { readonly list: LinkedList<Item>; readonly items: readonly Item[] } {
  const list = new LinkedList<Item>();
  const items = [...names].map((name) => new Item(name));
  for (const item of items) list.add(item);
  return { list, items };
}

function namesIn(list: LinkedList<Item>): string {
  return [...list].map(({ name }) => name).join("");
}

Deno.test("a linked list keeps the order in which its members were added", () => {
  const { list } = listOf("abc");
  deepEqual([namesIn(list), list.size], ["abc", 3]);
});

Deno.test("any member can be removed, in any order, and added again at the end", () => {
  for (const order of ["abc", "acb", "bac", "bca", "cab", "cba"]) {
    const { list, items } = listOf("abc");
    let left = "abc";
    for (const name of order) {
      const item = items.find((each) => each.name === name);
      if (item === undefined) throw new Error(name);
      list.delete(item);
      left = left.replace(name, "");
      deepEqual([namesIn(list), list.size], [left, left.length], order);
    }
    for (const item of items) list.add(item);
    equal(namesIn(list), "abc");
  }
});

Deno.test("a removed member holds on to no other", () => {
  const { list, items } = listOf("abc");
  const [, middle] = items;
  if (middle === undefined) throw new Error("no middle");
  list.delete(middle);
  deepEqual([middle.previous, middle.next], [undefined, undefined]);
});

Deno.test("members may be removed in a loop over a copy of the list", () => {
  const { list } = listOf("abcd");
  for (const item of [...list]) list.delete(item);
  deepEqual([namesIn(list), list.size], ["", 0]);
});
