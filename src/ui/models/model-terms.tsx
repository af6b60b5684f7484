import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { LANGUAGE_NOTICES, termsOf, type LanguageLicence, type Licence } from '../../pack/licences.ts'
import type { ModelPlace, Offer } from '../../protocol/keeper-calls.ts'

type Licensed = Pick<Offer, 'licence' | 'licenceNotice' | 'languageLicence'>

/** Under what a model may be used: the licence of its language model before the one that its card names. */
export function ModelTerms({ model }: { model: Licensed }): ReactElement {
  const { t } = useTranslation('models')
  const { licenceNotice, languageLicence } = model
  const { language, card, allows } = termsOf(model)
  // What these say is said here in the language of the page.
  const isSaid = languageLicence !== null && licenceNotice === LANGUAGE_NOTICES[languageLicence]
  return (
    <p>
      {language !== null && (
        <>
          {t('terms.language')} <LicenceLink licence={language} />.{' '}
        </>
      )}
      {(language === null || card.length > 0 || model.licence === null) && (
        <>
          {language === null ? t('terms.licence') : t('terms.rest')}{' '}
          {card.length === 0
            ? t('terms.notStated')
            : card.map((licence, index) => (
                <span key={licence.name}>
                  {index > 0 && ', '}
                  <LicenceLink licence={licence} />
                </span>
              ))}
          .{' '}
        </>
      )}
      <strong>{t(`terms.allows.${allows}`)}</strong>
      {licenceNotice !== null && !isSaid && <span lang="en"> {licenceNotice}</span>}
    </p>
  )
}

/** The same of a model of which no more is known than what its language model was published under. */
export function LanguageTerms({ licence }: { licence: LanguageLicence }): ReactElement | null {
  const { t } = useTranslation('models')
  const { language, allows } = termsOf({ licence, languageLicence: licence })
  if (language === null) return null
  return (
    <>
      <LicenceLink licence={language} />
      {t('terms.colon')}
      {t(`terms.brief.${allows}`)}
    </>
  )
}

function LicenceLink({ licence: { name, url } }: { licence: Licence }): ReactElement {
  return url === null ? <span dir="auto">{name}</span> : <OutwardLink url={url}>{name}</OutwardLink>
}

/** Whose a model is, on which server and at which revision; or that it came from this computer. */
export function ModelSourceLine({ place }: { place: ModelPlace | null }): ReactElement {
  const { t } = useTranslation('models')
  if (place === null) return <p className="hint">{t('terms.files')}</p>
  const { server, url, owner, revision } = place
  return (
    <p className="hint">
      {owner !== null && `${t('terms.owner', { owner })} `}
      {t('terms.server')} <OutwardLink url={url}>{server}</OutwardLink>.
      {/* As many digits as people compare. */}
      {revision !== null && ` ${t('terms.revision', { revision: revision.slice(0, 12) })}`}
    </p>
  )
}

function OutwardLink({ url, children }: { url: string; children: string }): ReactElement {
  return (
    <a href={url} target="_blank" rel="noreferrer">
      {children}
    </a>
  )
}
