import { useTranslation } from 'react-i18next'
import type { ShownPicture } from '../../state/search/shown.ts'

/** Says how well a picture fits, as people read it; nothing where nothing was asked for. */
export function useScoreText(): (picture: Pick<ShownPicture, 'match' | 'likeness'>) => string {
  const { t, i18n } = useTranslation('search')
  return ({ match, likeness }) => {
    if (match !== null) return t('fits', { share: shareText(match, i18n.language) })
    if (likeness === null) return ''
    return t('likeness', { value: likenessText(likeness, i18n.language, 2) })
  }
}

/** Whole per cent, and never certain: what is nearly 1 is 99 %. */
export function shareText(probability: number, language: string): string {
  const share = Math.min(0.99, Math.max(0.01, probability))
  return new Intl.NumberFormat(language, { style: 'percent' }).format(share)
}

/** A likeness, -1 to 1, with so many digits behind the point, as the language writes numbers. */
export function likenessText(likeness: number, language: string, digits: number): string {
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits }
  return new Intl.NumberFormat(language, options).format(likeness)
}
