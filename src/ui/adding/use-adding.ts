import { useTranslation } from 'react-i18next'
import { useApp } from '../store-context.ts'
import { fetchPicture } from './fetch-picture.ts'

/** Takes files as pictures. */
export function useTakeFiles(): (files: File[]) => void {
  const { t } = useTranslation('talk')
  const take = useApp((state) => state.takePictures)
  return (files) => {
    if (files.length > 0)
      void take(files.map((file) => ({ image: file, name: file.name || t('adding.pasted') })))
  }
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
