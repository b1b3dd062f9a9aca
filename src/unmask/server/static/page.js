// Makes the form smoother: drop and paste, progress without leaving the page. Without it, the form works as it is.

const form = document.getElementById("upload");
const alertBox = document.getElementById("alert");
const list = document.getElementById("jobs");
const started = new Set();

for (const element of document.querySelectorAll(".script-only")) element.hidden = false;

function tell(text) {
  alertBox.textContent = text;
  alertBox.hidden = !text;
}

// For screen readers: what begins and what ends, not each per cent.
function speak(text) {
  document.getElementById("spoken").textContent = text;
}

function problemOf(request) {
  try {
    const problem = JSON.parse(request.responseText);
    return `${problem.title}: ${problem.detail}. ${problem.todo}`;
  } catch {
    return "The server did not answer. Is it still running? Try again.";
  }
}

function row(name) {
  const item = document.createElement("li");
  const title = document.createElement("bdi");
  const bar = document.createElement("progress");
  const stage = document.createElement("span");
  const button = document.createElement("button");
  title.textContent = name;
  bar.max = 100;
  bar.setAttribute("aria-label", `Progress of ${name}`);
  stage.className = "muted stage";
  button.className = "quiet";
  button.type = "button";
  button.textContent = "Cancel";
  item.append(title, bar, stage, button);
  list.prepend(item);
  document.getElementById("under-way").hidden = false;
  return { item, title, bar, stage, button };
}

function upload(files) {
  if (!files.length) return;
  tell("");
  const most = Number(form.dataset.mostFiles);
  if (files.length > most) return tell(`At most ${most} files at a time: deal them over several rounds.`);
  const large = [...files].find((file) => file.size > Number(form.dataset.mostBytes));
  if (large) return tell(`${large.name} is too large: cut out what matters.`);
  const body = new FormData();
  for (const file of files) body.append("file", file, file.name);
  const shown = row(files.length === 1 ? files[0].name : `${files[0].name} and ${files.length - 1} more`);
  const request = new XMLHttpRequest();
  request.open("POST", "/v1/jobs");
  request.upload.addEventListener("progress", (event) => {
    if (!event.lengthComputable) return;
    const percent = Math.round((100 * event.loaded) / event.total);
    shown.bar.value = percent;
    shown.stage.textContent = `sending, ${percent} %`;
  });
  request.addEventListener("load", () => {
    if (request.status !== 202) {
      shown.item.remove();
      return tell(problemOf(request));
    }
    const job = JSON.parse(request.responseText);
    started.add(job.id);
    speak(`${shown.title.textContent} is being judged`);
    follow(job.id, shown);
  });
  request.addEventListener("error", () => {
    shown.item.remove();
    tell(problemOf(request));
  });
  shown.button.addEventListener("click", () => {
    request.abort();
    if (shown.item.dataset.job) fetch(`/v1/jobs/${shown.item.dataset.job}/cancel`, { method: "POST" });
    else shown.item.remove();
  });
  request.send(body);
}

function follow(id, shown) {
  shown.item.dataset.job = id;
  const events = new EventSource(`/v1/jobs/${id}/events`);
  events.addEventListener("progress", (event) => show(JSON.parse(event.data), shown));
  events.addEventListener("end", (event) => {
    events.close();
    const job = JSON.parse(event.data);
    show(job, shown);
    shown.bar.remove();
    shown.button.remove();
    finish(job, shown);
  });
}

function show(job, shown) {
  shown.bar.value = job.percent;
  shown.stage.textContent = `${job.stage}, ${job.percent} %`;
}

function finish(job, shown) {
  speak(`${job.files[0].name}: ${job.state}`);
  if (job.state !== "done") {
    shown.stage.textContent = job.message ? `${job.state}: ${job.message}` : job.state;
    return;
  }
  if (job.files.length === 1 && started.has(job.id)) {
    location.assign(`/reports/${job.files[0].report}`);
    return;
  }
  const link = document.createElement("a");
  link.href = `/jobs/${job.id}`;
  link.textContent = "See the reports";
  shown.stage.replaceChildren(link);
  if (started.has(job.id)) location.assign(link.href);
}

if (form) {
  const input = document.getElementById("files");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    upload(input.files);
    form.reset();
  });
  input.addEventListener("change", () => {
    upload(input.files);
    form.reset();
  });
  for (const kind of ["dragenter", "dragover"]) {
    document.addEventListener(kind, (event) => {
      event.preventDefault();
      form.classList.add("over");
    });
  }
  for (const kind of ["dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      event.preventDefault();
      form.classList.remove("over");
    });
  }
  document.addEventListener("drop", (event) => upload(event.dataTransfer.files));
  document.addEventListener("paste", (event) => {
    const files = [...event.clipboardData.files];
    if (files.length) upload(files);
  });
  for (const item of list.querySelectorAll("[data-job]")) {
    const shown = { item, stage: item.querySelector(".stage"), bar: document.createElement("progress"), button: document.createElement("button") };
    follow(item.dataset.job, shown);
  }
}

const job = document.getElementById("job");
if (job) {
  const shown = {
    item: job,
    bar: document.getElementById("progress"),
    stage: job.querySelector(".stage"),
    button: document.createElement("button"),
  };
  const events = new EventSource(`/v1/jobs/${job.dataset.job}/events`);
  events.addEventListener("progress", (event) => {
    const now = JSON.parse(event.data);
    shown.bar.value = now.percent;
    shown.stage.textContent = now.stage;
    job.querySelector(".percent").textContent = `${now.percent} %`;
  });
  events.addEventListener("end", () => {
    events.close();
    location.reload();
  });
}
