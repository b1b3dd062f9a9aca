// Makes a report livelier: the strength of the heat map, jumps in the video, feedback without leaving the page.

document.documentElement.classList.add("scripted");
for (const element of document.querySelectorAll(".script-only")) element.hidden = false;

const opacity = document.getElementById("opacity");
if (opacity) {
  const said = document.getElementById("opacity-said");
  const apply = () => {
    for (const map of document.querySelectorAll(".heats")) map.style.opacity = opacity.value / 100;
    said.textContent = `${opacity.value} %`;
  };
  opacity.addEventListener("input", apply);
  apply();
}

const player = document.getElementById("player");
if (player) {
  const jump = (seconds) => {
    player.currentTime = Math.max(0, seconds);
    player.scrollIntoView({ block: "nearest" });
  };
  for (const button of document.querySelectorAll("[data-seek]")) {
    button.addEventListener("click", () => jump(Number(button.dataset.seek)));
  }
  const lines = [...document.querySelectorAll(".seek")];
  for (const line of lines) {
    line.addEventListener("click", (event) => {
      const box = line.getBoundingClientRect();
      const share = (event.clientX - box.left) / box.width;
      const [start, end] = [Number(line.dataset.start), Number(line.dataset.end)];
      jump(start + share * (end - start));
    });
  }
  const follow = () => {
    document.documentElement.classList.add("playing");
    for (const line of lines) {
      const [start, end] = [Number(line.dataset.start), Number(line.dataset.end)];
      const share = (100 * (player.currentTime - start)) / (end - start);
      const head = line.querySelector(".playhead");
      head.setAttribute("x1", share);
      head.setAttribute("x2", share);
      head.setAttribute("visibility", share >= 0 && share <= 100 ? "inherit" : "hidden");
    }
  };
  for (const kind of ["timeupdate", "seeking", "seeked"]) player.addEventListener(kind, follow);
  player.addEventListener("error", () => {
    player.hidden = true;
    document.getElementById("unplayable").hidden = false;
  });
  if (player.error) player.dispatchEvent(new Event("error"));
} else {
  for (const button of document.querySelectorAll("[data-seek]")) button.disabled = true;
}

const feedback = document.getElementById("feedback");
feedback?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const fields = Object.fromEntries([...new FormData(feedback)].filter(([, value]) => value !== ""));
  const thanks = document.getElementById("thanks");
  try {
    const answer = await fetch(`/v1/reports/${feedback.dataset.report}/feedback`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(fields),
    });
    const said = await answer.json();
    thanks.textContent = answer.ok ? "Thank you, it is kept with the report." : `${said.detail}. ${said.todo}`;
    if (answer.ok) feedback.reset();
  } catch {
    thanks.textContent = "The server did not answer. Is it still running? Try again.";
  }
});
