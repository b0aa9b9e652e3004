/** Shown in place of data from the ledger if there is none. */

/** Says what is missing, and how to turn on the ledger. */
export function NoLedger({ what }: { readonly what: string }) {
  return (
    <div class="lead">
      <p>
        <strong>{what} comes from the usage ledger, which is turned off.</strong>
      </p>
      <p>
        Set <code>state.path</code>{" "}
        to a directory that the gateway can write to, and restart it. The ledger then records every request:
        caller, model, usage, cost and result. It never stores prompts or answers.
      </p>
    </div>
  );
}
