/** What to say where the gateway keeps no ledger. */

/** What cannot be shown, and how to get it. */
export function NoLedger({ what }: { readonly what: string }) {
  return (
    <div class="lead">
      <p>
        <strong>{what} needs the ledger, which this gateway does not keep.</strong>
      </p>
      <p>
        Set <code>state.path</code>{" "}
        to a folder that the gateway may write to, and restart it. From then on, every request is a row in a
        database there: who asked which model, what it used, what it cost, and how it ended. Prompts and
        answers are never stored.
      </p>
    </div>
  );
}
