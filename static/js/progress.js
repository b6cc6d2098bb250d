// Moves the bar of a job at work, and opens what comes after it.
const job = document.getElementById("job");
const bar = document.getElementById("bar");
const said = document.getElementById("said");

async function ask() {
  let wait = 500;
  try {
    const answer = await fetch(job.dataset.progress, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(answer.status);
    const now = await answer.json();
    if (!now.is_working) {
      location.replace(location.pathname);
      return;
    }
    if (now.total) {
      bar.max = now.total;
      bar.value = now.done;
    }
    if (now.done !== undefined) {
      const number = new Intl.NumberFormat(document.documentElement.lang);
      const of = now.total ? ` / ${number.format(now.total)}` : "";
      const left = now.left === null ? "" : `, ${number.format(now.left)} ${job.dataset.left}`;
      said.textContent = `${now.noun} ${number.format(now.done)}${of} ${job.dataset.rows}, ${number.format(now.rate)} ${job.dataset.rate}${left}`;
    }
  } catch {
    wait = 3000; // the server is away for a moment: ask again
  }
  setTimeout(ask, wait);
}

setTimeout(ask, 300);
