// One stream per page: a message names a topic that changed, and the fragment is fetched and morphed in.
// Without the stream the page looks again every ten seconds; focus, selection and scroll stay either way.
const part = document.querySelector("[data-live]")
const chip = document.querySelector("[data-live-chip]")
const PAUSE = 500, POLL = 10000, STALE = 15000, RETRY = 3000
let loaded = Date.now(), source = null, heard = Date.now(), due = null, degraded = true

function say(tone, word) {
  if (!chip || chip.lastElementChild.textContent === word) return
  chip.className = `lf-state is-${tone} lf-tab`
  chip.lastElementChild.textContent = word
}

// What somebody has begun to type or to choose is never replaced under them.
function changed(field) {
  if (field.matches("select")) return !(field.selectedOptions[0]?.defaultSelected ?? true) && field.selectedIndex > 0
  return field.type === "checkbox" ? field.checked !== field.defaultChecked : field.value !== field.defaultValue
}

function busy() {
  return [...part.querySelectorAll("input:not([type=hidden]), select, textarea")].some(changed)
}

function look() {
  due = null
  if (document.hidden || busy()) return
  htmx.ajax("GET", location.href, { target: part, select: `#${part.id}`, swap: "morph:outerHTML" })
}

function soon() { due ??= setTimeout(look, PAUSE) }

async function open() {
  source?.close()
  try {
    const query = new URLSearchParams({ topics: part.dataset.live, tenant: part.dataset.tenant })
    const answer = await fetch(`/live/token?${query}`, { headers: { Accept: "application/json" } })
    if (!answer.ok) throw new Error(String(answer.status))
    source = new EventSource((await answer.json()).url)
  } catch {
    say("warn", "Reconnecting")
    setTimeout(open, RETRY)
    return
  }
  source.addEventListener("state", (event) => {
    heard = Date.now()
    degraded = event.data !== "live"
    say(degraded ? "idle" : "good", degraded ? "Polling" : "Live")
  })
  // The token has lapsed: another one, and nothing is missed but what the look brings.
  source.addEventListener("renew", () => { heard = Date.now(); source.close(); open(); soon() })
  source.addEventListener("changed", () => { heard = Date.now(); soon() })
  source.onerror = () => { source.close(); degraded = true; say("warn", "Reconnecting"); setTimeout(open, RETRY) }
}

// Timers count here from the server's time, and are corrected with every fragment.
function tick() {
  const shift = Date.now() - loaded
  for (const timer of part.querySelectorAll("[data-since]")) {
    const seconds = Math.max(0, Math.floor((Date.parse(part.dataset.now) - Date.parse(timer.dataset.since) + shift) / 1000))
    timer.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`
  }
}

if (part) {
  open()
  tick()
  setInterval(tick, 1000)
  part.addEventListener("htmx:afterSwap", () => { loaded = Date.now(); tick() })
  setInterval(() => { if (degraded) look() }, POLL)
  setInterval(() => { if (Date.now() - heard > STALE) say("warn", `Stale, ${Math.round((Date.now() - heard) / 1000)} s`) }, 1000)
}
