// The shell: the narrow menu, copy buttons, menus that close, forms that are sent once, keys.
const one = (selector) => document.querySelector(selector)

document.addEventListener("click", (event) => {
  const menu = event.target.closest("[data-menu]")
  if (menu) {
    const open = one(".lf-shell").classList.toggle("is-menu")
    menu.setAttribute("aria-expanded", String(open))
    menu.setAttribute("aria-label", open ? "Close menu" : "Open menu")
    return
  }
  const copy = event.target.closest("[data-copy]")
  if (copy) copyText(copy)
  for (const open of document.querySelectorAll("details.lf-menu[open]"))
    if (!open.contains(event.target)) open.open = false
})

async function copyText(button) {
  const source = document.getElementById(button.dataset.copy)
  const word = button.querySelector("span") ?? button
  const before = word.textContent
  try {
    await navigator.clipboard.writeText(source.textContent.trim())
    word.textContent = "Copied"
  } catch {
    getSelection().selectAllChildren(source)
    word.textContent = "Selected: copy with Ctrl C"
  }
  setTimeout(() => { word.textContent = before }, 2000)
}

document.addEventListener("submit", (event) => {
  const form = event.target
  if (form.method !== "post" || event.defaultPrevented) return
  if (form.dataset.sent) event.preventDefault()
  form.dataset.sent = "yes"
  setTimeout(() => delete form.dataset.sent, 4000)
})

document.addEventListener("change", (event) => {
  const form = event.target.form
  if (event.target.closest("[data-send]")) form.requestSubmit()
  if (event.target.closest("[data-look]")) form.querySelector("[name=look]")?.click()
})

document.addEventListener("keydown", (event) => {
  // Enter in a search inside a larger form searches, and does not send the form.
  const search = event.target.closest("[data-enter]")
  if (event.key === "Enter" && search) { event.preventDefault(); document.getElementById(search.dataset.enter).click(); return }
  const typing = event.target.closest("input, textarea, select, [contenteditable]")
  if (event.key === "Escape") {
    for (const open of document.querySelectorAll("details.lf-menu[open]")) open.open = false
    one(".lf-shell.is-menu")?.classList.remove("is-menu")
  }
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return
  if (event.key === "/") {
    const filter = one(".lf-filter input")
    if (filter) { event.preventDefault(); filter.focus() }
  }
})

// Whoever is signed out meanwhile gets the sign-in page instead of a part of this one: go there.
document.addEventListener("htmx:beforeSwap", (event) => {
  const answered = event.detail.xhr.responseURL
  if (!answered || new URL(answered).pathname === location.pathname) return
  event.detail.shouldSwap = false
  location.reload()
})

// How old a page is that looks again by itself, once that is worth a word.
const stale = one("[data-stale]")
let fresh = Date.now()
document.addEventListener("htmx:afterSwap", () => { fresh = Date.now() })
if (stale && one("[data-refresh]"))
  setInterval(() => {
    const age = Math.round((Date.now() - fresh) / 1000)
    stale.hidden = document.hidden || age < 25
    stale.lastElementChild.textContent = `Stale, ${age} s`
  }, 1000)

// A page that asks for it looks again by itself: sites and agents change while somebody watches.
for (const part of document.querySelectorAll("[data-refresh]"))
  setInterval(() => {
    const busy = part.contains(document.activeElement) && document.activeElement.matches("input, select, textarea")
    if (!document.hidden && !busy) htmx.ajax("GET", location.href, { target: part, select: `#${part.id}`, swap: "morph:outerHTML" })
  }, Number(part.dataset.refresh) * 1000)
