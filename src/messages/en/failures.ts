/**
 * What kind of failure it is, by its code: said before the exact sentence, which is English, where the page speaks another
 * language. English itself has the exact sentence alone.
 */
export const failures = {
  'bad-usage': 'This cannot be done as it was asked.',
  'bad-image': 'This picture cannot be read; save it anew, or take another.',
  'image-too-large': 'This picture is too large; make it smaller.',
  'bad-checkpoint': 'The files of this model are not in order; fetch them again.',
  'unsupported-model': 'This model cannot be used here; take another.',
  'bad-pack': 'This model is not in order; add it again, or take another.',
  'bad-file': 'This file cannot be used as it is.',
  corrupt: 'Something that was kept is damaged.',
  'not-found': 'Something that is needed is not there.',
  'no-space': 'There is not enough space; free some.',
  network: 'The connection is disturbed; try again when it is better.',
  stalled: 'Nothing arrives any more; try again.',
  busy: 'This is in use just now, perhaps in another tab; wait, or close that.',
  forbidden: 'This may not be opened or written; allow it first.',
  'bad-response': 'The server sent something else than was asked for; check the address.',
  'upstream-changed': 'This was changed on the server meanwhile; start again.',
  'out-of-memory': 'There is not enough memory; close other tabs, or take a smaller model.',
  'device-lost': 'The graphics device went away; load the model again.',
  unresponsive: 'There was no answer any more; try again.',
  'prompt-too-long': 'This is too long for the model; make it shorter.',
  'no-words': 'The model wrote no words.',
  cancelled: 'Stopped.',
  bug: 'Something unexpected went wrong; try again.',
} as const
