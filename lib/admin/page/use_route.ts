/** The route, for components. */

import { useEffect, useState } from "preact/hooks";
import { parseRoute, type Route } from "./route.ts";

/** The current route; renders the component again when it changes. */
export function useRoute(): Route {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const changed = () => setHash(location.hash);
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return parseRoute(hash);
}
