import { Fragment, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import type { Note, Saying } from '../../messages/note.ts'
import { NAMESPACES } from '../../messages/words.ts'

/** What state has to say, in the language of the page; sentences from below it are English and marked so. */
export function Say({ saying }: { saying: Saying }): ReactElement {
  if (typeof saying === 'string') return <span lang="en">{saying}</span>
  const notes: readonly Note[] = 'key' in saying ? [saying] : saying
  return (
    <>
      {notes.map((note, i) => (
        <Fragment key={note.key}>
          {i > 0 && ' '}
          <One note={note} />
        </Fragment>
      ))}
    </>
  )
}

function One({ note: { key, values } }: { note: Note }): string {
  const { t } = useTranslation(NAMESPACES)
  return t(key, { ...values, defaultValue: key })
}
