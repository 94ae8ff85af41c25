import { greeting } from './words';
import './page.css';

const place = document.querySelector<HTMLElement>('#place');
place?.append(greeting(new Date().getHours()));
