/// <reference path="../../pages/certify.d.ts" />
// What an app may write with the types of certify.js, and what it may not.
const said = document.querySelector<HTMLElement>("#said")!;
const wanted: certify.Options = { returnTo: "/wine", onState: now => { said.textContent = now.text; } };

document.querySelector("button")!.onpointerenter = () => certify.prepare(wanted);
document.querySelector("button")!.onclick = async () => {
  try {
    const answer = await certify.verify(wanted);
    if (answer.claim) { said.textContent = answer.claim.age.toFixed(); }
    location.assign(answer.return_to);
  } catch (error) {
    const failure = error as certify.Failure;
    if (failure.code !== "cancelled") { said.textContent = failure.detail; }
  }
};
const states: Record<certify.State, number> = {
  preparing: 0, ready: 0, waiting: 0, stalled: 0, checking: 0, done: 0, pending: 0, cancelled: 0, failed: 0,
};
void states;

// @ts-expect-error it is returnTo
certify.verify({ returnto: "/wine" });
// @ts-expect-error there is no such state
const state: certify.State = "gone";
void state;
// @ts-expect-error a purpose brings no claim
certify.verify({ purpose: "signup" }).then(answer => answer.claim.age);
