import type { ReactElement, ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import type { Failure } from '../../pack/failure.ts'
import { FailureWords } from './failure-words.tsx'

/**
 * A failure as a sentence, its code for reports, and what can be done about it. Where it is the page that does something
 * about it, that is said in the page's words alone, `children` among them.
 */
export function Notice({
  failure,
  action,
  onAction,
  children,
}: {
  failure: Failure
  action?: string
  onAction?: () => void
  children?: ReactNode
}): ReactElement {
  const { t } = useTranslation('models')
  const isOwn = failure.code === 'device-lost'
  return (
    <div className="notice">
      <p>
        {isOwn ? t('lost.gone') : <FailureWords failure={failure} />} {children}{' '}
        <code {...(isOwn && { title: failure.message })}>{failure.code}</code>
      </p>
      {action !== undefined && (
        <button type="button" onClick={onAction}>
          {action}
        </button>
      )}
    </div>
  )
}
