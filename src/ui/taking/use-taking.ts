import { useTranslation } from 'react-i18next'
import type { Aside } from '../../state/taking-slice.ts'
import { useApp } from '../store-context.ts'
import { fetchPicture } from './fetch-picture.ts'

/** Takes files as pictures. */
export function useTakeFiles(): (files: File[], aside?: Aside) => void {
  const { t } = useTranslation('talk')
  const take = useApp((state) => state.takePictures)
  return (files, aside) =>
    void take(
      files.map((file) => ({ image: file, name: file.name || t('adding.pasted') })),
      aside,
    )
}

/** Takes the picture at an address, or says why not. True when it was taken. */
export function useTakeAddress(): (address: string, signal: AbortSignal) => Promise<boolean> {
  const take = useApp((state) => state.takePictures)
  const remark = useApp((state) => state.remark)
  return async (address, signal) => {
    const fetched = await fetchPicture(address, signal)
    if ('picture' in fetched) await take([fetched.picture])
    else remark(fetched.refused)
    return 'picture' in fetched
  }
}
