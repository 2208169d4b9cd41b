// Puts Stripe's own form into the page, so that no card number ever comes near this server, and confirms what is asked for.
(() => {
  "use strict";
  const form = document.getElementById("pay");
  const problem = document.getElementById("pay-problem");
  if (!form) return;
  const show = (text) => {
    problem.textContent = text;
    problem.hidden = false;
  };
  if (!window.Stripe) {
    show("The payment form could not be loaded. Please allow scripts of js.stripe.com and load this page again.");
    return;
  }
  const stripe = window.Stripe(form.dataset.key);
  const elements = stripe.elements({ clientSecret: form.dataset.secret });
  elements.create("payment").mount("#pay-card");
  const button = form.querySelector("button");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    problem.hidden = true;
    const confirm = form.dataset.kind === "setup" ? stripe.confirmSetup : stripe.confirmPayment;
    const { error } = await confirm.call(stripe, { elements, confirmParams: { return_url: form.dataset.back } });
    if (error) show(error.message || "That did not work. Please try again or with another card.");
    button.disabled = false;
  });
})();
