/** Whether a dialog lies over everything, wherever the focus is. */
export function isDialogOpen(): boolean {
  return document.querySelector('dialog[open]') !== null
}

/** Whether a key at `target` is for something that lies over the page: for a dialog, or for the sheet when it is in that. */
export function isForWhatLiesOver(target: EventTarget | null): boolean {
  return isDialogOpen() || (target instanceof Element && target.closest('[role=dialog]') !== null)
}
