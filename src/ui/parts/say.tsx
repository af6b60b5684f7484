import { Fragment, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import type { Note, Saying } from '../../messages/note.ts'
import { NAMESPACES } from '../../messages/words.ts'

/** What state has to say, in the language of the page; sentences from below it are English and marked so. */
export function Say({ saying }: { saying: Saying }): ReactElement {
  const all = typeof saying === 'string' || 'key' in saying ? [saying] : saying
  return (
    <>
      {all.map((one, i) => (
        <Fragment key={typeof one === 'string' ? one : one.key}>
          {i > 0 && ' '}
          {typeof one === 'string' ? <span lang="en">{one}</span> : <One note={one} />}
        </Fragment>
      ))}
    </>
  )
}

function One({ note: { key, values, exactly } }: { note: Note }): ReactElement {
  const { t, i18n } = useTranslation(NAMESPACES)
  if (exactly !== undefined && i18n.resolvedLanguage === 'en') return <>{exactly}</>
  return (
    <>
      {t(key, { ...values, defaultValue: key })}
      {exactly !== undefined && (
        <>
          {' '}
          <span className="exactly" lang="en">
            {exactly}
          </span>
        </>
      )}
    </>
  )
}
