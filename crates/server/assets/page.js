// Shows the date for a quantity and country as they are entered. Without this script a button does the same.
(() => {
  const form = document.getElementById("order");
  if (!form) return;
  document.documentElement.classList.add("has-script");
  let turn = 0;
  const show = async () => {
    const { quantity, country } = form.elements;
    if (!quantity.checkValidity()) return;
    const mine = ++turn;
    const address = new URL(form.action);
    address.searchParams.set("quantity", quantity.value);
    address.searchParams.set("country", country.value);
    const offer = document.getElementById("offer");
    offer.classList.add("is-asking");
    try {
      const answer = await fetch(address);
      if (!answer.ok || mine !== turn) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const id of ["offer", "send"]) {
        const fresh = page.getElementById(id);
        if (fresh) document.getElementById(id).replaceChildren(...fresh.childNodes);
      }
    } finally {
      if (mine === turn) offer.classList.remove("is-asking");
    }
  };
  let waiting;
  form.addEventListener("input", (event) => {
    if (!["quantity", "country"].includes(event.target.name)) return;
    clearTimeout(waiting);
    waiting = setTimeout(show, 200);
  });
})();
